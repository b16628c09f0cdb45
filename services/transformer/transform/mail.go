package transform

import (
	"fmt"
	"strings"
)

// Mail is what the tenant allows so that an address becomes free for somebody else (zendesk.md 1.5).
type Mail struct {
	InPlace bool   // a user's old address is replaced; else it stays as a second one, and nobody else can have it
	Parking string // a mail domain of the customer's own to which addresses are moved that must be free; "" for none
}

// parked is the address at which the user of an employee is parked.
func (m Mail) parked(key string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(key) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '<' || r == '>' {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, "_%x_", r)
	}
	return "psft-emp-" + b.String() + "@" + m.Parking
}
