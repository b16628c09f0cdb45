package config

import "time"

// PeopleSoft is how the source is read. At least one of HCM (employees) and FSCM (vendors) is set.
type PeopleSoft struct {
	HCM      *HCM     `json:"hcm,omitempty"`
	FSCM     *FSCM    `json:"fscm,omitempty"`
	Schedule Schedule `json:"schedule"`
	IB       *IB      `json:"ib,omitempty"`
}

func (p *PeopleSoft) check(c *complaints) {
	if p.HCM == nil && p.FSCM == nil && !c.has("hcm") && !c.has("fscm") {
		c.self(bad{what: "nothing to read", want: "hcm for employees, fscm for vendors, or both"})
	}
}

// Connection is one PeopleSoft database behind its integration gateway.
type Connection struct {
	BaseURL URL  `json:"base_url" need:"scheme, host and port, for example https://hr.example.com:8443"`
	Node    Node `json:"node" need:"the PeopleSoft node name, for example PSFT_HR"`
	Auth    Auth `json:"auth" need:"basic or oauth2"`
	TLS     TLS  `json:"tls"`
}

func (k *Connection) defaults() { k.TLS = defaultTLS() }

// HCM is the connection for employees.
type HCM struct {
	Connection
	Employees Query `json:"employees" need:"the query that reads employees"`
}

func (h *HCM) defaults() { h.Connection.defaults(); h.Employees = defaultQuery() }

// FSCM is the connection for vendors.
type FSCM struct {
	Connection
	Vendors Query `json:"vendors" need:"the query that reads vendors"`
}

func (f *FSCM) defaults() { f.Connection.defaults(); f.Vendors = defaultQuery() }

// Auth is exactly one way to sign in to PeopleSoft.
type Auth struct {
	Basic  *Basic  `json:"basic,omitempty"`
	OAuth2 *OAuth2 `json:"oauth2,omitempty"`
}

func (a *Auth) check(c *complaints) { c.one("basic", "oauth2") }

// Basic is a user name with its password.
type Basic struct {
	Username Text `json:"username" need:"the user, for example MLCONN"`
	Password Ref  `json:"password,omitempty"`
}

// OAuth2 is the client credentials grant at the identity provider that PeopleSoft trusts (peoplesoft.md 3.6).
type OAuth2 struct {
	TokenURL     URL          `json:"token_url" need:"the identity provider's token endpoint"`
	ClientID     Text         `json:"client_id" need:"the client registered at the identity provider"`
	ClientSecret Ref          `json:"client_secret,omitempty"`
	Scopes       []Text       `json:"scopes,omitempty"`
	Params       map[Key]Text `json:"params,omitempty"` // sent with the token request: audience, resource
	Style        AuthStyle    `json:"auth_style"`       // where the client's secret goes
}

func (o *OAuth2) defaults() { o.Style = "auto" }

// TLS is how the other side's certificate is judged.
type TLS struct {
	CAFile     Path       `json:"ca_file,omitempty"` // trusted besides the machine's own store
	MinVersion TLSVersion `json:"min_version"`
}

func defaultTLS() TLS { return TLS{MinVersion: "1.2"} }

// Schedule is when the poller reads. Employees, Vendors and Full are intervals or cron lines in the tenant's zone.
type Schedule struct {
	Employees Spec     `json:"employees"`
	Vendors   Spec     `json:"vendors"`
	Full      Spec     `json:"full"`    // a full read of both kinds
	Overlap   Duration `json:"overlap"` // how far a window reaches back (peoplesoft.md 3.3: rows commit late)
}

func defaultSchedule() Schedule {
	return Schedule{Employees: "5m", Vendors: "15m", Full: "0 2 * * *", Overlap: Duration{15 * time.Minute}}
}

func (s *Schedule) check(c *complaints) {
	if s.Overlap.Duration < 0 || s.Overlap.Duration > 24*time.Hour {
		c.at("overlap", bad{want: "a duration from 0s to 24h", got: s.Overlap.String()})
	}
}
