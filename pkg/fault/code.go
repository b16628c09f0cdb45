package fault

// Code is a stable, searchable reason. Codes are part of the public interface (failures.md 3): never renamed.
type Code string

// Reading from PeopleSoft (failures.md 3.4).
const (
	SourceNotData      Code = "SRC_NOT_DATA"      // an HTML page or other non-data in place of an answer
	SourceFault        Code = "SRC_FAULT"         // 200 with an error document
	SourceTruncated    Code = "SRC_TRUNCATED"     // the answer was cut
	SourcePartial      Code = "SRC_PARTIAL"       // more rows exist than were returned
	SourcePageStuck    Code = "SRC_PAGE_STUCK"    // one key or instant has more rows than a page may hold
	SourceOrder        Code = "SRC_ORDER"         // rows are not ordered by the key that paging needs
	SourceEmpty        Code = "SRC_EMPTY_SUSPECT" // nothing came although there were rows before
	SourceShrunk       Code = "SRC_SHRUNK"        // a full read under 95 % of the last good count
	SourceUniform      Code = "SRC_UNIFORM"       // everybody has the same name, department, status or email
	SourceStale        Code = "SRC_STALE"         // a full read is older than what was read before
	SourceSchema       Code = "SRC_SCHEMA"        // a column is missing, ambiguous or of another type
	SourceAuth         Code = "SRC_AUTH"          // sign-in refused
	SourceForbidden    Code = "SRC_FORBIDDEN"     // signed in, but not allowed
	SourceNotFound     Code = "SRC_NOT_FOUND"     // node, service or query name wrong
	SourceDown         Code = "SRC_DOWN"          // 5xx
	SourceTimeout      Code = "SRC_TIMEOUT"       // no answer in time
	SourceUnreachable  Code = "SRC_UNREACHABLE"   // name, connection
	SourceTLS          Code = "SRC_TLS"           // certificate or protocol
	SourceRedirect     Code = "SRC_REDIRECT"      // sends us to another place
	SourceClock        Code = "SRC_CLOCK"         // change times lie in the future
	SourceBusy         Code = "SRC_BUSY"          // another poller moved the cursor
	SourceNotSupported Code = "SRC_NOT_SUPPORTED" // this source cannot do what was asked
)

// Writing to Zendesk (failures.md 3.5).
const (
	TargetRate         Code = "ZD_RATE"
	TargetRateLong     Code = "ZD_RATE_LONG"
	TargetDown         Code = "ZD_DOWN"
	TargetNotData      Code = "ZD_NOT_DATA"
	TargetAuth         Code = "ZD_AUTH"
	TargetReauth       Code = "REAUTH_REQUIRED"
	TargetConsent      Code = "ZD_CONSENT"
	TargetForbidden    Code = "ZD_FORBIDDEN"
	TargetImportGate   Code = "ZD_IMPORT_GATE"
	TargetGone         Code = "ZD_GONE"
	TargetConflict     Code = "ZD_CONFLICT"
	TargetInvalid      Code = "ZD_INVALID"
	TargetNotFound     Code = "ZD_NOT_FOUND"
	TargetProtected    Code = "ZD_ROLE_PROTECTED"
	TargetNoSeat       Code = "ZD_NO_SEAT"        // a returning agent finds no free seat
	TargetFieldChanged Code = "ZD_FIELD_CONFLICT" // a field with the policy ask was changed in Zendesk
	TargetFieldOption  Code = "ZD_FIELD_OPTION"   // a dropdown has no such option
	TargetNotApplied   Code = "ZD_NOT_APPLIED"
	TargetJobs         Code = "ZD_TOO_MANY_JOBS"
	TargetJobFailed    Code = "ZD_JOB_FAILED"
	TargetJobUnknown   Code = "JOB_UNKNOWN"
	TargetUnreachable  Code = "ZD_UNREACHABLE"
	TargetTimeout      Code = "ZD_TIMEOUT"
	TargetTLS          Code = "ZD_TLS"
	TargetRedirect     Code = "ZD_REDIRECT"
	TargetFieldMissing Code = "ZD_FIELD_MISSING"
	TargetTokenEnding  Code = "ZD_TOKEN_ENDING"
	TargetWelcomeMail  Code = "ZD_WELCOME_MAIL" // Zendesk would mail everybody whom the first load creates
	EmailOwned         Code = "EMAIL_OWNED"
	EmailTaken         Code = "EMAIL_TAKEN"
	EmailWait          Code = "EMAIL_WAIT"  // another record still holds the address and gives it up; this one follows by itself
	EmailCycle         Code = "EMAIL_CYCLE" // records want each other's addresses
	OrgNameTaken       Code = "ORG_NAME_TAKEN"
	SkipNeverActive    Code = "SKIP_NEVER_ACTIVE"
	AdoptionRefused    Code = "ADOPTION_REFUSED"
	AdoptionReview     Code = "ADOPTION_REVIEW" // Zendesk held users or organizations of others before the first load
)

// Findings about a record's data: they flag and do not stop (failures.md 3.8, 3.9).
const (
	MissingEmail       Code = "MISSING_EMAIL"
	MissingName        Code = "MISSING_NAME"
	MissingDepartment  Code = "MISSING_DEPARTMENT"
	MissingTitle       Code = "MISSING_TITLE"
	BadEmail           Code = "BAD_EMAIL"
	PlaceholderEmail   Code = "PLACEHOLDER_EMAIL"
	SharedEmail        Code = "SHARED_EMAIL"
	RowVanished        Code = "ROW_VANISHED"
	UnknownStatus      Code = "UNKNOWN_STATUS"
	StatusDisagreement Code = "STATUS_DISAGREEMENT"
	OutOfScope         Code = "OUT_OF_SCOPE"
	NotStarted         Code = "NOT_STARTED"
	NoJob              Code = "NO_JOB"
	BadText            Code = "BAD_TEXT"
	TextCut            Code = "TEXT_CUT"
)

// Mass changes that wait for a person (design.md 6, Guard).
const (
	GuardSuspend  Code = "GUARD_SUSPEND"
	GuardEmail    Code = "GUARD_EMAIL"
	GuardCreate   Code = "GUARD_CREATE"
	GuardRejected Code = "GUARD_REJECTED"  // a person said no to this change
	HoldChanged   Code = "HOLD_CHANGED"    // the hold is not what was looked at, or was decided already
	HoldUnread    Code = "HOLD_NOT_REREAD" // the source could not be read again before an approval: nothing was decided
)

// Our own parts.
const (
	BrokerDown   Code = "BROKER_DOWN"
	BrokerLimit  Code = "BROKER_LIMIT"
	BrokerDrift  Code = "BROKER_DRIFT"
	BrokerSync   Code = "BROKER_NOT_SYNCED"
	StoreDown    Code = "STORE_DOWN"
	DiskLow      Code = "DISK_LOW"      // too little room where this process writes: intake pauses
	DiskFull     Code = "DISK_FULL"     // no room at all
	Recovered    Code = "RECOVERED"     // a full disk has room again; everything goes on by itself
	StreamBehind Code = "STREAM_BEHIND" // the broker holds an older state than the store: a restore, or a lost file
	LedgerBehind Code = "LEDGER_BEHIND" // the store is older than the broker: it was restored alone, or lost what it had committed
	ClockSkew    Code = "CLOCK_SKEW"    // the clock of PeopleSoft or Zendesk differs from ours by more than a minute
	BadEnvelope  Code = "BAD_ENVELOPE"
	TooLarge     Code = "TOO_LARGE"
	BadConfig    Code = "CFG_INVALID"
	Running      Code = "ALREADY_RUNNING" // another process uses the data folder
	VaultKey     Code = "VAULT_KEY"
	VaultSealed  Code = "VAULT_CANNOT_OPEN"
	NoCredential Code = "CREDENTIAL_MISSING"
	LeaseLost    Code = "LEASE_LOST"
	Poison       Code = "POISON"
	SafetyStop   Code = "SAFETY_STOP" // a write that must never happen was about to leave: the tenant's writer stands still until a person lets it go on

	ReplayRunning Code = "REPLAY_RUNNING"
	LetterDecided Code = "LETTER_DECIDED"
	KeyInUse      Code = "VAULT_KEY_IN_USE" // a running process cannot read the new master key
	Unclassified  Code = "INTERNAL"
)
