// Package zendesk writes one Zendesk account: it implements target.Target with a hand-written client of some twenty
// calls (reference/zendesk.md 9), one pacer for all of them, and bulk jobs whose every record is accounted for.
//
// What it never does: delete anything (no such function, and the last step before the wire refuses every method and
// path that is not on its list), let an upsert choose a person, write tags, notes, details or memberships, touch
// admins, or follow a redirect.
package zendesk
