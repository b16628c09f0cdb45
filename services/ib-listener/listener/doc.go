// Package listener is the ingress for Integration Broker messages: POST /ib/<tenant>. It decides who may send, reads
// the whole body, stores what is in it and only then answers, in the one way that keeps PeopleSoft's queues moving
// (failures.md 2.2, peoplesoft.md 1.3):
//
//	stored and synced                                      200   the contract is done
//	anything that may heal: broker, overload, drain,       503   PeopleSoft pings and sends again
//	a body that did not arrive, a panic of ours
//	wrong or no credential, a tenant that is not there     401   a person must look
//	wrong path, a node or address that may not send        403
//	wrong method, media type, size                         405, 415, 413
//
// Never 404 or 429, 500, 502 or a redirect: PeopleSoft would retry the first for ever and give the others up. A message
// that nobody can understand is stored as a dead letter and answered 200, so that it does not block an ordered queue;
// strict doors answer 400 after storing it.
//
// The formats are the business of the opener that a Door carries; this package knows Message and no XML.
package listener
