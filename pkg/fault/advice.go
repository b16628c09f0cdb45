package fault

// Next is the default advice for a code: one sentence that says what to do.
func (c Code) Next() string {
	if a, ok := advice()[c]; ok {
		return a
	}
	return "look at the audit entry and the log line with this code; if it stays, report it with both"
}

// Codes lists every code that has an advice.
func Codes() []Code {
	list := make([]Code, 0, 80)
	for c := range advice() {
		list = append(list, c)
	}
	return list
}

func advice() map[Code]string {
	return map[Code]string{
		SourceNotData:      "open the base URL in a browser from this machine: a sign-in or proxy page in place of PeopleSoft means that base_url or node is wrong or single sign-on stands in front",
		SourceFault:        "read the PeopleSoft message; run the query in Query Manager as this user",
		SourceTruncated:    "nothing was taken from the page; the next cycle reads it again; look at proxies between here and PeopleSoft if it repeats",
		SourcePartial:      "give the query the `after` prompt and an ORDER BY on its key, or raise max_rows",
		SourcePageStuck:    "raise max_rows above the number of rows of one key",
		SourceOrder:        "order the query by the key column",
		SourceEmpty:        "check row security and the query's criteria in PeopleSoft; nothing was concluded from the empty answer",
		SourceShrunk:       "check row security and the query's criteria in PeopleSoft; nothing was concluded from the shrunken read",
		SourceUniform:      "compare the named column in PeopleSoft: a broken join, a masked column or a wrong security view gives everybody the same value; nothing was taken from the page. If it is true, set guard.uniform: accept",
		SourceStale:        "check whether the query reads a replica or a restored copy that lags behind; nothing was concluded from the read, and older rows never overwrite newer ones",
		SourceSchema:       "compare the query's columns with the tenant file; map renamed columns under `columns`",
		SourceAuth:         "unlock the account in PeopleSoft, then set the credential again: `ml-connector credential set <tenant> peoplesoft.hcm.password` (fscm for vendors, client_secret for OAuth2); do not retry by hand too often, PeopleSoft locks accounts",
		SourceForbidden:    "give the PeopleSoft user the permission list with the query service and the query's access group",
		SourceNotFound:     "check node, query name and that the query is PUBLIC",
		SourceDown:         "PeopleSoft's web or application server is down; reading goes on by itself when it is back",
		SourceTimeout:      "PeopleSoft did not answer in time; lower max_rows or look at the query's run time",
		SourceUnreachable:  "check host name, port and firewall from this machine",
		SourceTLS:          "give the CA under tls.ca_file, or have the certificate renewed",
		SourceRedirect:     "set base_url to the address that PeopleSoft redirects to; redirects are never followed",
		SourceClock:        "check the tenant's timezone against the PeopleSoft base time zone",
		SourceBusy:         "another poller replica reads this kind; nothing to do",
		SourceNotSupported: "give the query the prompt that this needs, see docs/how-to/connect-peoplesoft.md",

		TargetRate:         "nothing to do: the writer waits as long as Zendesk asks",
		TargetRateLong:     "Zendesk asks for a very long wait; look for another integration that uses up the account's limit",
		TargetDown:         "Zendesk is down or in maintenance; writing goes on by itself when it is back",
		TargetNotData:      "Zendesk answered with a page in place of data; check base_url, or wait for the maintenance to end",
		TargetAuth:         "set the credential again: `ml-connector credential set <tenant> zendesk.client_secret`, or zendesk.api_token; it is tried at once",
		TargetReauth:       "run `ml-connector connect <tenant>`, or press Reconnect on the console's page, and sign in to Zendesk as an admin",
		TargetConsent:      "begin again: run `ml-connector connect <tenant>`, or press Connect on the console's page",
		TargetForbidden:    "give the token's user the admin role and the client the scopes read and write",
		TargetImportGate:   "ask Zendesk support to switch on data imports for the account; until then records are written one by one",
		TargetGone:         "somebody removed the object in Zendesk; decide whether it shall be created again",
		TargetConflict:     "nothing to do: it is tried again",
		TargetInvalid:      "correct the value in PeopleSoft; the record is tried again when it changes",
		TargetNotFound:     "check zendesk.base_url",
		TargetNoSeat:       "free or buy an agent seat in Zendesk; the person is an end user until then and is tried again daily, at once with `ml-connector replay <tenant> --stream DIRECTORY --key KEY --dry-run=false`",
		TargetFieldChanged: "make PeopleSoft and Zendesk agree on the field, or set zendesk.fields to source_wins or target_wins",
		TargetFieldOption:  "add the option to the dropdown in Zendesk, or map the value",
		TargetProtected:    "this is an admin, an agent outside the policy or the account owner: change it by hand",
		TargetNotApplied:   "Zendesk accepted the write but does not show it; it is tried again",
		TargetJobs:         "nothing to do: the writer waits until jobs of the account have ended",
		TargetJobFailed:    "nothing to do: its records are read back and written again",
		TargetJobUnknown:   "nothing to do: its records are read back and written again",
		TargetUnreachable:  "check host name, proxy and firewall from this machine",
		TargetTimeout:      "Zendesk did not answer in time; the record is read back before it is written again",
		TargetTLS:          "check the machine's certificate store and proxies",
		TargetRedirect:     "set zendesk.base_url to https://<subdomain>.zendesk.com",
		TargetFieldMissing: "run `ml-connector check <tenant> --fix`, or create the field in Zendesk under Admin Center, People; `ml-connector replay` then brings the values of people who do not change",
		TargetWelcomeMail:  `switch off Admin Center, People, End users, "Also send a welcome email when a new user is created by an agent or administrator" before the first load`,
		TargetTokenEnding:  "API tokens stop on 2027-04-30: create an OAuth client and use client_credentials",
		EmailOwned:         "the address belongs to another Zendesk user: link or change one of them by hand",
		EmailTaken:         "the address is still held by another Zendesk user; free it there or correct it in PeopleSoft",
		EmailWait:          "nothing to do: it follows as soon as the record that it names has given the address up",
		EmailCycle:         "look at the hold of the ring with `ml-connector holds show`, compare the addresses with PeopleSoft, and approve it; where there is none, the finding names the setting that is missing",
		OrgNameTaken:       "another organization has this name; rename one of them",
		SkipNeverActive:    "nothing to do: nobody is created only to be suspended",
		AdoptionReview:     "look at `ml-connector plan` and at the hold with `ml-connector holds show`, then approve or reject it; where something was not read yet, read it with `ml-connector sync --full`; `zendesk.adopt: true` in the tenant file asks nobody, `false` adopts nobody",
		AdoptionRefused:    "a user with this email exists already: allow adoption in the tenant file or set its external_id by hand",

		MissingEmail:       "enter a business email in PeopleSoft",
		MissingName:        "enter a name in PeopleSoft",
		MissingDepartment:  "give the department a description in PeopleSoft, or add it to the query",
		MissingTitle:       "give the job code or position a description in PeopleSoft, or add it to the query",
		BadEmail:           "correct the email in PeopleSoft",
		PlaceholderEmail:   "enter a real business email in PeopleSoft; the placeholder was treated as none",
		SharedEmail:        "two records want one email: correct it in PeopleSoft for one of them; if they are one person with two ids, have the ids merged there",
		RowVanished:        "compare the job rows in PeopleSoft: if the row was deleted there, publish the deletion through the Integration Broker or save a newer row; polling alone cannot show a deletion",
		UnknownStatus:      "add the status code to employees.scope in the tenant file",
		StatusDisagreement: "HR_STATUS and EMPL_STATUS disagree: HR_STATUS was believed; correct the job row",
		OutOfScope:         "nothing to do: the record is outside the scope of the tenant file",
		NotStarted:         "nothing to do: the record acts on its first day",
		NoJob:              "nothing to do until a job row arrives",
		BadText:            "remove control characters from the value in PeopleSoft",
		TextCut:            "shorten the value in PeopleSoft",

		GuardSuspend:  "look at the list with `ml-connector holds list` and `holds show`, compare with PeopleSoft, then approve or reject it",
		GuardEmail:    "look at the list with `ml-connector holds list` and `holds show`, compare with PeopleSoft, then approve or reject it",
		GuardCreate:   "look at the list with `ml-connector holds list` and `holds show`, compare with PeopleSoft, then approve or reject it",
		GuardRejected: "nothing to do: the record stays as it is in Zendesk until PeopleSoft changes it again",
		HoldUnread:    "make the source readable again and approve once more, or approve with --without-reread what PeopleSoft said when the hold was made",
		HoldChanged:   "look at the hold again with `ml-connector holds show` and decide on what it holds now",

		BrokerDown:   "start NATS or check MLC_NATS_URL; nothing is lost meanwhile",
		BrokerLimit:  "a stream is full: let the backlog drain or raise its limit",
		BrokerDrift:  "a stream or consumer differs from what this version needs: see the detail",
		BrokerSync:   "set sync_interval: always in the server's jetstream block (deploy/nats/nats.conf)",
		StoreDown:    "start the database or check MLC_DATABASE_URL; nothing is lost meanwhile",
		DiskLow:      "free space on the disk of the data folder, or enlarge it; MLC_MIN_FREE_DISK says how much must stay free. PeopleSoft keeps its messages meanwhile, and everything goes on by itself",
		DiskFull:     "free space on the disk of the data folder, or enlarge it; the broker then restarts by itself within a minute, and nothing that was accepted is lost",
		Recovered:    "nothing to do; see what filled the disk",
		StreamBehind: "nothing to do: what the streams lost is published and read again, and this ends by itself. Messages that PeopleSoft sent in between and that a query does not read are lost: let PeopleSoft publish them again. Next time restore store and streams of one moment",
		LedgerBehind: "nothing to do for records: what the streams hold since then goes through again, everything is read again, and this ends by itself. Compare by hand what people decided after the copy was made: tenant file and credentials, approvals of holds, decisions on dead letters; the audit trail of that time is gone",
		ClockSkew:    "compare the clocks (`date -u`) and let this machine keep its time with NTP; due dates, schedules and the ages of tokens go by our clock, the order of changes does not",
		BadEnvelope:  "look at the dead letter; something else publishes on our streams",
		TooLarge:     "the record is larger than a message may be; look at the dead letter",
		BadConfig:    "correct the named lines of the tenant file and apply it again",
		Running:      "stop the other process or choose another data folder: one folder, one process",
		VaultKey:     "start with the key file that this data was sealed with (MLC_MASTER_KEY_FILE)",
		VaultSealed:  "set the credential again with `ml-connector credential set <tenant> <purpose>`",
		NoCredential: "set it with `ml-connector credential set <tenant> <purpose>`",
		LeaseLost:    "nothing to do: another writer took over",
		Poison:       "look at the dead letter; retry it after the fix",
		SafetyStop:   "nothing was sent: this is a bug, or somebody changed the store by hand; read the audit entry and the log line with this code, report it, repair what the detail names, then run `ml-connector resume <tenant> --reason <what was repaired>`",

		ReplayRunning: "wait for it or stop it: `ml-connector replay <tenant> --status`",
		LetterDecided: "nothing to do: somebody decided on the letter before",
		KeyInUse:      "copy the file that ends in .next beside the key file of each named process, or stop it; then run `ml-connector vault rotate` again",
		Unclassified:  "look at the log line with this time; report it if it stays",
	}
}
