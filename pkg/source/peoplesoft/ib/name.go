package ib

import (
	"slices"
	"strings"
)

// family is what a message is about.
type family int

const (
	noFamily family = iota
	people
	vendors
	references
)

// familyOf knows the canonical messages (peoplesoft.md 2.5).
func familyOf(name string) family {
	base, ok := strings.CutSuffix(strings.TrimSuffix(name, "_EFF"), "_FULLSYNC")
	if !ok {
		if base, ok = strings.CutSuffix(base, "_SYNC"); !ok {
			return noFamily
		}
	}
	switch base {
	case "PERSON_BASIC", "WORKFORCE":
		return people
	case "VENDOR":
		return vendors
	case "DEPT", "JOBCODE", "POSITION", "LOCATION":
		return references
	}
	return noFamily
}

// Known lists the canonical message names, sorted. Each is accepted with any version suffix.
func Known() []string {
	var list []string
	for _, base := range []string{"DEPT", "JOBCODE", "LOCATION", "PERSON_BASIC", "POSITION", "VENDOR", "WORKFORCE"} {
		for _, form := range []string{"_FULLSYNC", "_FULLSYNC_EFF", "_SYNC", "_SYNC_EFF"} {
			list = append(list, base+form)
		}
	}
	slices.Sort(list)
	return list
}

// isVersion accepts v1, V_2, VERSION_9, version3 and INTERNAL.
func isVersion(s string) bool {
	s = strings.ToLower(s)
	if s == "internal" {
		return true
	}
	digits, ok := strings.CutPrefix(s, "v")
	if !ok {
		return false
	}
	digits = strings.TrimPrefix(strings.TrimPrefix(digits, "ersion"), "_")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// cutVersion splits PERSON_BASIC_SYNC.VERSION_9; a last part that is no version belongs to the name.
func cutVersion(name string) (base, version string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || !isVersion(name[i+1:]) {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// canonical finds the message behind a name: the site's alias, with or without version, else the name itself.
func (o Options) canonical(name string) string {
	base, _ := cutVersion(name)
	for alias, to := range o.Aliases {
		if own, _ := cutVersion(alias); strings.EqualFold(alias, name) || strings.EqualFold(alias, base) || strings.EqualFold(own, base) {
			return strings.ToUpper(to)
		}
	}
	return strings.ToUpper(base)
}

// resolve settles the message's name: the root element is what will be parsed, so it wins where it is known.
func (m *Message) resolve(s stated) {
	name := s.first()
	m.Alias, m.Version = cutVersion(name)
	if name == "" {
		name = m.Root
	}
	m.Name = m.opts.canonical(name)
	root := m.opts.canonical(m.Root)
	if familyOf(root) == noFamily || root == m.Name {
		return
	}
	if familyOf(m.Name) != noFamily {
		m.odd("the envelope says " + m.Name + ", the root element " + root + ": read as the latter")
	}
	m.Name = root
}
