package disk

import (
	"fmt"
	"strconv"
	"strings"
)

// Space is a file system's room in bytes. Free is what we may still write.
type Space struct{ Free, Total int64 }

// Floor is how much must stay free. The zero value is the default; see ADR 0016.
type Floor struct {
	Percent float64 // of the file system, counted up to ShareLimit bytes; 0 means 10
	Bytes   int64   // at least, but never more than a quarter of the file system; 0 means 2 GiB
	Exact   int64   // in place of both when above 0
	Off     bool    // no floor: only a full disk is told
}

const (
	defaultPercent = 10
	defaultBytes   = 2 << 30
	// ShareLimit is what the percentage asks for at most: a tenth of a large disk is more than this system ever fills.
	ShareLimit = 8 << 30
	// Full is the free space, in bytes, under which a disk counts as full: files grow by larger blocks than that.
	Full = 1 << 20
)

// For is the floor of a file system of total bytes, in bytes.
func (f Floor) For(total int64) int64 {
	switch {
	case f.Off:
		return 0
	case f.Exact > 0:
		return f.Exact
	}
	if f.Percent == 0 {
		f.Percent = defaultPercent
	}
	if f.Bytes == 0 {
		f.Bytes = defaultBytes
	}
	return max(min(int64(f.Percent/100*float64(total)), ShareLimit), min(f.Bytes, total/4))
}

// ParseFloor reads a floor as operators write it: "" for the default, "off", an exact size such as "500MiB", or a
// share and a least size such as "10%,2GiB".
func ParseFloor(text string) (Floor, error) {
	bad := fmt.Errorf(`%q: want a size such as "500MiB", a share and a size such as "10%%,2GiB", or "off"`, text)
	switch text = strings.TrimSpace(text); text {
	case "":
		return Floor{}, nil
	case "off":
		return Floor{Off: true}, nil
	}
	share, least, both := strings.Cut(text, ",")
	if !both {
		n, ok := size(text)
		if !ok {
			return Floor{}, bad
		}
		return Floor{Exact: n}, nil
	}
	number, isShare := strings.CutSuffix(strings.TrimSpace(share), "%")
	p, err := strconv.ParseFloat(number, 64)
	n, ok := size(least)
	if !isShare || err != nil || !(p > 0 && p < 100) || !ok {
		return Floor{}, bad
	}
	return Floor{Percent: p, Bytes: n}, nil
}

// size reads "500MiB" as bytes; only positive sizes are sizes.
func size(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	unit := int64(1)
	for suffix, u := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = number, u
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n * unit, err == nil && n > 0 && n <= 1<<60/unit
}

// Human writes bytes for people.
func Human(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size {
			return strconv.FormatFloat(float64(n)/float64(u.size), 'f', 1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
