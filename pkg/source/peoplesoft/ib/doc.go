// Package ib understands what PeopleSoft's Integration Broker posts: it finds the envelope in every form of
// peoplesoft.md 1.2 (bare, JSON, CDATA, SOAP, IBRequest, MIME; compressed or not), and turns rowsets into facts.
//
// It is pure: bytes in, records out. It stores nothing, answers nobody and decides nothing about people; it never
// concludes a deletion from what a message leaves out. Only allow-listed records and fields leave it: national ids,
// birth data, pay, bank and tax never become a value.
//
// Memory is bounded by Limits whatever the size of the body: a message is read once, one Transaction at a time.
//
//	Delivery -> layers (gzip, zlib, base64) -> charset -> envelope (Open) -> rowset, row by row (Each) -> source.Record
package ib
