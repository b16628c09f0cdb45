package zendesk

import "time"

// Options shape a simulated account. The zero value is an unlimited account that accepts any credential.
type Options struct {
	Seed uint64           // everything random follows from it
	Now  func() time.Time // default time.Now

	// BaseURL is what "url" and paging links name; it differs from the address of the simulator on purpose (4.7).
	BaseURL string // default https://sim.zendesk.example

	RequestsPerMinute    int           // account bucket per clock minute (4.1); 0 = unlimited and no rate headers
	ForeignPerMinute     int           // what other integrations take from that bucket, spread over the minute
	UpsertPerSecond      int           // PUT users/{id} and create_or_update (4.2); 0 = 1 when RequestsPerMinute > 0; < 0 = unlimited
	PerUserPerMinute     int           // the same two endpoints for one user; 0 = 5 when RequestsPerMinute > 0; < 0 = unlimited
	PerOrgPerMinute      int           // PUT organizations/{id}; 0 = 5 when RequestsPerMinute > 0; < 0 = unlimited
	IncrementalPerMinute int           // GET incremental/*; 0 = 10 when RequestsPerMinute > 0; < 0 = unlimited
	RecordWindow         time.Duration // of PerUserPerMinute and PerOrgPerMinute; 0 = 1 minute: a test has no time for it
	CreatePerMinute      int           // POST users: Zendesk publishes none (12.11); 0 = unlimited

	MaxJobs      int                             // queued or running jobs (3.4); 0 = 30; < 0 = unlimited
	JobDuration  func(records int) time.Duration // from queueing to completion; default 20 ms
	JobHiddenFor time.Duration                   // status answers 404 so long after queueing (3.3)
	JobRetention time.Duration                   // 0 = 24 h (12.12)
	JobsKept     int                             // 0 = 100 (12.12)

	ImportGate bool // users create_many and create_or_update_many answer 403 (3.1)

	Auth   Auth   // none configured: any credential is an admin
	OAuth  OAuth  // how consents and refreshes turn out at the start; see Sim.SetOAuth
	Quirks Quirks // both positions of what zendesk.md calls uncertain

	Seats           int           // agents and admins, the owner too; one more is a 422 on role (12.6); 0 = unlimited
	SearchLag       time.Duration // users/search does not see users younger than this (7.4)
	ExportLag       time.Duration // incremental/users does not show changes younger than this
	LoseEvery       int           // every n-th record write answers well and does not stick (failures.md Z22); 0 = none
	KeepRequests    int           // length of the request log; 0 = 10,000
	NoPanicOnDelete bool          // answer 500 to a DELETE instead of panicking
}

// Quirks are switches for section 12 of zendesk.md: the zero value is the reading held most likely,
// each switch is the other outcome that a client must survive.
type Quirks struct {
	TooManyJobsStatus   int  // 12.1: default 429
	TooManyJobsPerClass bool // 12.1: the limit counts per job class

	GateFlatBody      bool // 12.2: {"error":"Forbidden","message":…} instead of the object form
	GateOrganizations bool // 12.2: ImportGate covers organization bulk calls too
	GateUpdateMany    bool // 12.2: ImportGate covers update_many too

	ResultIndex         bool // 12.3: every result carries "index"
	UpsertFailureIndex  bool // 12.3: a failed upsert names its position in "index", not in "id"
	ResultsWithoutEmail bool // 12.3: upsert results carry no email
	ShuffleResults      bool // 12.3: results come in another order than the request
	DropResults         int  // 12.3: so many results are missing at the end

	UpsertPrefersEmail          bool // 12.4: the email chooses the user, also against the external id
	UpsertRefusesOtherExternal  bool // 12.4: 422 instead of overwriting another external id
	UpsertIgnoresSecondary      bool // 12.4: a secondary address does not match, and is then "already used"
	UpsertEmailBecomesPrimary   bool // 12.5: a new email in an upsert by external id replaces the primary address
	ProtectedStatus             int  // 12.6: answer on suspending or downgrading the owner; default 403
	RoleWithSuspendedHalf       bool // 12.6: role and suspended in one write: suspended is ignored
	IdentityValueResetsVerified bool // 12.7: a new value of an identity is unverified
	IdentityValueMails          bool // 12.7: a new value of an identity sends a verification mail
	SeparateUpsertBuckets       bool // 12.10: PUT users/{id} and create_or_update have a bucket each
	JobsNeedRead                bool // 12.13: job_statuses, search and incremental need the scope "read"
	TokenStatus                 int  // 12.13: status of token answers; default 200 for client_credentials, 201 else
	MaxLength                   int  // 12.14: longest name, external id and text value; default 255, < 0 none
	AnonymousWithoutID          bool // 12.15: the anonymous user has no "id" at all
	RefuseUnknownFields         bool // 12.16: unknown user_fields keys are a 422
	WrongTokenIsAnonymous       bool // 5.6: a wrong API token on users/me answers 200 as in 2023
	WebhookSlash                bool // 12.8: event types are spelled zen:event-type/user.…, the colon is refused
	WebhookTwice                bool // 6.5: every event is delivered twice
	WebhookShuffle              bool // 6.5: events come in another order
	DeletedAre404               bool // section 10: GET of a soft-deleted user answers 404
	NoJobType                   bool // 3.3: job_type is absent as in 2023

	RateBody            string        // 4.4: "" = {"errors":[…]}, "flat", "text" or "html"
	DuplicateNameWindow time.Duration // 2: two creates of one organization name this close both succeed
}

// Auth lists the credentials an account knows. With all lists empty any credential acts as the account owner.
type Auth struct {
	Tokens  []APIToken
	Clients []OAuthClient
}

// APIToken is an unscoped token that acts as the admin with that address, who is made when missing (5.2).
type APIToken struct{ Email, Token string }

// OAuthClient is a confidential client (5.3). It acts as the account owner.
type OAuthClient struct {
	ID, Secret   string
	Scopes       []string // allowed; empty = any
	RedirectURIs []string // allowed; empty = any
	ExpiresIn    int      // seconds when the request names none; 0 = tokens without expiry
}

func (o Options) filled() Options {
	o.Now = orFunc(o.Now, time.Now)
	o.BaseURL = or(o.BaseURL, "https://sim.zendesk.example")
	if o.RequestsPerMinute > 0 {
		o.UpsertPerSecond = or(o.UpsertPerSecond, 1)
		o.PerUserPerMinute = or(o.PerUserPerMinute, 5)
		o.PerOrgPerMinute = or(o.PerOrgPerMinute, 5)
		o.IncrementalPerMinute = or(o.IncrementalPerMinute, 10)
	}
	o.RecordWindow = or(o.RecordWindow, time.Minute)
	o.MaxJobs = or(o.MaxJobs, 30)
	if o.JobDuration == nil {
		o.JobDuration = func(int) time.Duration { return 20 * time.Millisecond }
	}
	o.JobRetention = or(o.JobRetention, 24*time.Hour)
	o.JobsKept = or(o.JobsKept, 100)
	o.KeepRequests = or(o.KeepRequests, 10_000)
	o.Quirks.TooManyJobsStatus = or(o.Quirks.TooManyJobsStatus, 429)
	o.Quirks.ProtectedStatus = or(o.Quirks.ProtectedStatus, 403)
	o.Quirks.MaxLength = or(o.Quirks.MaxLength, 255)
	return o
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

func orFunc(v, fallback func() time.Time) func() time.Time {
	if v == nil {
		return fallback
	}
	return v
}
