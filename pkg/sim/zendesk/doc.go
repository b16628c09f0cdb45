// Package zendesk is a simulator of the Zendesk Support API: an http.Handler with users, identities, organizations,
// bulk jobs, rate limits, OAuth, and faults on demand. It is an independent reading of reference/zendesk.md (the
// section numbers in comments point there) and shares no code with the client that it fools.
//
//	sim := zendesk.New(zendesk.Options{RequestsPerMinute: 400, ImportGate: true})
//	srv := httptest.NewServer(sim)
//
// # Time and order
//
// The simulator starts no goroutine. Time is what Options.Now says; a job that is due takes effect when the next call
// (HTTP or Go) arrives, in the order of the moments the seed chose, so a virtual clock makes an hour exact and free.
// With the same seed, clock and calls, every id, moment and answer is the same.
//
// # What must never happen
//
// Nothing is deleted. A DELETE request, destroy_many or a merge is recorded (Counters().Deletes, Deletions()), changes
// nothing, and panics in the handler, which net/http turns into a broken connection; see Options.NoPanicOnDelete.
//
// # Control over HTTP
//
// Programs in another process steer the simulator under /_sim/ (no authentication, not counted, not limited):
//
//	GET  /_sim/users            {"users":[user + "identities"]}            every user ever, soft-deleted ones too
//	GET  /_sim/organizations    {"organizations":[…]}
//	GET  /_sim/effects          {"effects":[Effect]}                       ?after=SEQ leaves out the older ones
//	GET  /_sim/requests         {"requests":[Request]}                     the newest Options.KeepRequests calls
//	GET  /_sim/counters         Counters
//	POST /_sim/users            {"users":[{…}]} or {"user":{…}}            seed; fields as in the API, "role" and "suspended" too; 201 {"users":[…]}
//	POST /_sim/organizations    {"organizations":[{…}]}                    seed; 201 {"organizations":[…]}
//	POST /_sim/users/{id}/deactivate                                      an admin soft-deletes the user; 200 {"user":…}
//	POST /_sim/users/{id}/suspend, /_sim/users/{id}/restore               an admin (un)suspends the user; 200 {"user":…}
//	POST /_sim/fault            Fault                                      201 {"id":n}
//	POST /_sim/faults/clear     {}                                         forgets every fault; 204
//	PUT  /_sim/oauth            OAuth                                      how consents and refreshes turn out from now on; 204
//	POST /_sim/webhooks/deliver {}                                         sends waiting webhook events; 200 {"delivered":n}
//
// For example, the second bulk upsert is applied but its answer is lost, and then every call is told to wait:
//
//	{"method":"POST","path":"/api/v2/users/create_or_update_many","after":1,"drop":"after"}
//	{"status":429,"header":{"Retry-After":"3"},"times":-1}
//
// The JSON keys of User, Organization, Effect, Request, Counters, OAuth and Fault are their json tags; they are stable.
package zendesk
