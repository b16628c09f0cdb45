package adminapi

import "time"

// Coming is what changes by itself in the next days: keys and verbs only, nobody's name.
type Coming struct {
	Until string         `json:"until"`          // last day that was looked at, in the tenant's zone
	Days  []ComingDay    `json:"days"`           // days on which something changes, in order, each with all its changes
	List  []ComingChange `json:"list"`           // the first ones
	More  bool           `json:"more,omitempty"` // more records have dates than were looked at: the counts are too low
}

// ComingDay counts the changes of a day.
type ComingDay struct {
	Day     string `json:"day"`
	Changes int    `json:"changes"`
}

// ComingChange is one of them.
type ComingChange struct {
	Day  string    `json:"day"` // in the tenant's zone
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Key  string    `json:"key"`
	What []string  `json:"what"` // hire, rehire, leave, name, email, phone, a mapped field, active, inactive, text
}
