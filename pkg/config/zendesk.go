package config

// Zendesk is how the target is written.
type Zendesk struct {
	BaseURL URL         `json:"base_url" need:"the account's address, for example https://acme.zendesk.com"`
	Auth    ZendeskAuth `json:"auth" need:"client_credentials, authorization_code or api_token"`
	Budget  Budget      `json:"budget"`
	Webhook *Webhook    `json:"webhook,omitempty"`
	// Adopt lets the connector take over a user that has the wanted email, no external_id and the role end user.
	// Left out, it does too, but what the first load would adopt waits in a hold for a person.
	Adopt *bool `json:"adopt,omitempty"`
	// Fields says for single fields who wins when somebody changed one in Zendesk; source_wins where nothing is said.
	Fields map[DeskField]Winner `json:"fields,omitempty"`
	// Define says for single mapped fields how `check --fix` makes them; a text field where nothing is said.
	Define map[CustomPath]Shape `json:"define,omitempty"`
}

// Adopts tells whether objects may be adopted at all, and whether a person is asked about those of the first load.
func (z Zendesk) Adopts() (adopts, asks bool) {
	return z.Adopt == nil || *z.Adopt, z.Adopt == nil || !*z.Adopt
}

func (z *Zendesk) check(c *complaints) {
	if z.BaseURL.HasPath() {
		c.at("base_url", bad{want: "scheme and host only", got: show(z.BaseURL)})
	}
}

// ZendeskAuth is exactly one way to sign in to Zendesk.
type ZendeskAuth struct {
	ClientCredentials *Client   `json:"client_credentials,omitempty"`
	AuthorizationCode *Client   `json:"authorization_code,omitempty"` // then somebody connects the account in the console
	APIToken          *APIToken `json:"api_token,omitempty"`          // ends on 2027-04-30
}

func (a *ZendeskAuth) check(c *complaints) {
	c.one("client_credentials", "authorization_code", "api_token")
}

// Client is an OAuth client of the Zendesk account.
type Client struct {
	ClientID     Text   `json:"client_id" need:"the OAuth client's unique identifier"`
	ClientSecret Ref    `json:"client_secret,omitempty"`
	Scopes       []Text `json:"scopes"`
}

func (k *Client) defaults() { k.Scopes = []Text{"read", "write"} }

// APIToken is an API token with the address of the user for whom it acts.
type APIToken struct {
	Email Address `json:"email" need:"the address of the user that the token acts for"`
	Token Ref     `json:"token,omitempty"`
}

// Budget is the part of the account's allowance that is ours.
type Budget struct {
	Share float64 `json:"share"` // of the requests a minute, above 0 up to 1
	Jobs  int     `json:"jobs"`  // background jobs at once, of 30 an account (zendesk.md)
}

func (b *Budget) check(c *complaints) {
	if !(b.Share > 0 && b.Share <= 1) {
		c.at("share", bad{want: "a number above 0 up to 1", got: show(b.Share)})
	}
	if b.Jobs < 1 || b.Jobs > 30 {
		c.at("jobs", bad{want: "a number from 1 to 30", got: show(b.Jobs)})
	}
}

// Webhook is how Zendesk signs what it sends.
type Webhook struct {
	Secret Ref `json:"secret,omitempty"`
}

// DeskField is a field of a Zendesk user or organization that the connector writes.
type DeskField string

// UnmarshalText accepts name, phone, user_fields.<key> and organization_fields.<key>. The address is not one of them:
// who has it is decided elsewhere.
func (f *DeskField) UnmarshalText(b []byte) error {
	return match(f, b, deskFieldShape, "name, phone, user_fields.<key> or organization_fields.<key>")
}

// Winner says whose value stays in a field that was changed in Zendesk.
type Winner string

// The answers.
const (
	SourceWins Winner = "source_wins" // PeopleSoft's value is written
	TargetWins Winner = "target_wins" // the value in Zendesk stays; an empty one is filled
	AskPerson  Winner = "ask"         // the record waits with both values
)

// UnmarshalText accepts the three answers.
func (w *Winner) UnmarshalText(b []byte) error { return word(w, b, SourceWins, TargetWins, AskPerson) }
