// Package peoplesoft reads employees and vendors from Oracle PeopleSoft: through the Query Access Service over REST
// (peoplesoft.md 3.1 to 3.3) or any custom REST service of the Integration Broker (3.5).
//
//	Read ─▶ window ─▶ prompts ─▶ URL ─▶ client (auth, status) ─▶ answer (guarded JSON or XML) ─▶ table
//	                                                                     rows ─▶ columns ─▶ facts ─▶ source.Page
//
// PeopleSoft has no cursor and cuts answers in silence. So a page counts as complete only by proof: by the key (rows
// in ascending order behind the `after` prompt, last key held back, end of the window confirmed by a second request),
// or by the size (fewer rows than asked for and than counted by numrows). Without an `after` prompt a cut window is
// halved by time until it fits; then a row on the very border of two halves may come in both, never in none.
package peoplesoft
