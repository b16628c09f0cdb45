// Package peoplesoft simulates an Oracle PeopleSoft for development, demos and tests: an invented company with
// effective-dated people and vendors, the gateway, the Query Access Service over REST, two custom REST
// services, and an identity provider. It reads peoplesoft.md on its own and shares no code with the product.
//
// # The company
//
// A company is drawn from Options.Seed. The case of a person is fixed by the position (index%100), so that every
// hundred people hold: contingent workers and a person of interest, leavers with every EMPL_STATUS, absences,
// rehires, several jobs with and without JOB_INDICATOR, future hires, leavers, changes and rehires, three rows on
// one day, and missing or untidy mails, names and phones. Vendors repeat names and VENDOR_IDs (under another
// SETID), and have every status, class and persistence. Life events change it: see Event and the methods of Sim.
//
// LASTUPDDTTM is the database's wall clock in Options.Zone, compared without a zone as PeopleSoft does, so one
// reading comes twice in the autumn. The query shows the later of the JOB row's stamp and the person's. Three things
// change what a reader sees without any stamp: DeleteRow, RenameDepartment, and a future row that becomes current.
// Truth says what a correct reader must conclude on a day.
//
// # Events
//
// Apply and POST /_sim/event take these types; dates default to today, empl_rcd to the primary job, setid to SHARE.
//
//	hire               first, last, email, phone, dept, title, per_org, date, emplid or count; all optional
//	terminate          emplid, date (first day not employed), status (default T), empl_rcd (default all jobs)
//	terminate-many     count, date
//	rehire             emplid, date
//	status             emplid, status (EMPL_STATUS), date
//	change-department  emplid, dept, date             change-title     emplid, title, date
//	correct-history    emplid, dept or title, date    add-job          emplid, dept, title, per_org, date
//	end-job            emplid, empl_rcd, date         move-date        emplid, date, to
//	withdraw           emplid, date (in the future)   delete-row       emplid, empl_rcd, date, effseq (stamps nothing)
//	rename             emplid, first, last            change-phone     emplid, phone
//	change-email       emplid, email                  blank-email      emplid
//	swap-emails        emplid, other                  touch            count (default all): one stamp for all
//	rename-department  dept, name (stamps nothing)
//	vendor-add         name, email, setid, vendor_id, status, class, persistence, city, country; all optional
//	vendor-rename      vendor_id, name                vendor-status    vendor_id, status
//	vendor-change      vendor_id, email, phone, city, country, class, persistence
//
// With late_seconds an event keeps its stamp but readers see it only so much later.
//
// # The server
//
//	GET {prefix}/PSIGW/PeopleSoftListeningConnector                       status page, no credentials
//	GET {prefix}/PSIGW/RESTListeningConnector/{node}/ExecuteQuery.v1/{PUBLIC|PRIVATE}/{QUERY}/{JSON|XMLP}/NONFILE
//	    ?isconnectedquery=N&maxrows=1000&json_resp=true
//	    &prompt_uniquepromptname=FROM_DTTM,TO_DTTM,LAST_EMPLID&prompt_fieldvalue=2026-03-01,,0001234
//	GET {prefix}/PSIGW/RESTListeningConnector/{node}/ML_VENDORS_REST.v1[/{from}/{to}/{after}]      {"data":{"items":[…]}}
//	GET {prefix}/PSIGW/RESTListeningConnector/{node}/ML_EMPLOYEES_REST.v1[/{from}/{to}/{after}]    […]
//	POST /idp/oauth2/token                                                client_credentials
//
// Prompts of ML_EMPLOYEES: FROM_DTTM, TO_DTTM (both inclusive; a bare date is its midnight), LAST_EMPLID (greater
// than), EFFDT_FROM, EFFDT_TO, EMPLID or KEY (equal). Of ML_VENDORS: FROM_DTTM, TO_DTTM, LAST_VENDOR_ID, VENDOR_ID or
// KEY, SETID. The lists are positional and their commas must not be percent-encoded: %2C is part of a value. An empty
// slot is no bound; a prompt of another name is an error. Rows come ordered by EMPLID, EMPL_RCD, EFFDT, EFFSEQ, and by
// VENDOR_ID, SETID. maxrows cuts silently and may cut between the rows of one key, which the keyset prompt then
// skips: a reader of a full page must go on from before the last key.
//
// Errors of a call (unknown query, prompt, bad value) answer 200 with a JSON status other than success when
// json_resp=true, else 500 with an IBResponse. Unknown nodes and services answer 404, bad credentials 401.
// Quirks change the shape of answers, Fault what goes wrong.
//
// # Control
//
//	GET  /_sim/truth?day=2026-03-02     Truth; without day: today
//	GET  /_sim/employees?after=&limit=  every row of JOB, future ones too
//	GET  /_sim/departments              DEPTID and description
//	GET  /_sim/requests, /_sim/counts   request log and totals
//	GET  /_sim/events                   the types of events
//	GET  /_sim/clock                    the simulator's time, date and zone
//	POST /_sim/event    {"type":"hire","first":"Dana","last":"O'Malvey","date":"2026-04-01"}
//	POST /_sim/fault    {"kind":"status","status":503,"times":2}   {"kind":"slow","delay":"2s"}
//	POST /_sim/quirks   {"alias":"always","long_names":true}       replaces all quirks
//	POST /_sim/rows?mode=history        current, history or all
//	POST /_sim/advance?by=24h           moves the clock
//	POST /_sim/clear, /_sim/revoke, /_sim/unlock, /_sim/forget     faults, tokens, account, request log
//
//	GET  /_sim/ib/queues, /_sim/ib/deliveries, /_sim/ib/formats   the sender: state of the queues, log, formats
//	POST /_sim/ib/node     {"url":"https://…/ib/acme","user":"PSFT_HR","password":"…"}
//	POST /_sim/ib/publish  {"message":"VENDOR_FULLSYNC"}   {"message":"PERSON_BASIC_SYNC","keys":["0001001"]}
//	POST /_sim/ib/format?wire=soap11+gzip                  POST /_sim/ib/resubmit?queue=VENDOR, /_sim/ib/cancel?queue=…
//
// The control API has no authentication and is for tests: listen on loopback only.
//
// # Integration Broker
//
// After Node every event publishes what a save in its component would: PERSON_BASIC_SYNC and WORKFORCE_SYNC for a hire,
// one of them for later changes, VENDOR_SYNC, DEPT_SYNC and JOBCODE_SYNC; Publish sends any message of the catalogue
// about rows as they are, FULLSYNC with header and trailer, in segments if wished. RunSender delivers them by the rules
// of Guaranteed Delivery: three ordered queues, 2xx is done, 404, 503 and no contact are retried after a ping with 200,
// every other answer is an Error that blocks its queue until Resubmit or Cancel. Sensitive records are in the messages,
// with Canary in every text.
package peoplesoft
