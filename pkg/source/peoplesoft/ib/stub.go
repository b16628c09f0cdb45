package ib

import (
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

type section struct{}

// Open reads a delivery as far as its envelope and the root element of its content. Errors are *fault.Error: Invalid
// with BAD_ENVELOPE, TOO_LARGE, BAD_TEXT or SRC_NOT_DATA, or Transient with SRC_TRUNCATED when the body ends early or
// could not be read. An IBRequest is expected to have From and To before its ContentSections, as PeopleSoft writes it.
func Open(d Delivery, o Options) (*Message, error) {
	return nil, fault.New(fault.Internal, fault.Unclassified, "not implemented yet")
}

// Each reads the content once, hands every record to yield and stops at its first error, which it returns as it is.
// Any other error is a *fault.Error and means: not complete (Transient, SRC_TRUNCATED) or not usable (Invalid). As the
// message is streamed, records may have been yielded before the error: keep none of them then. A ping has no records.
func (m *Message) Each(yield func(source.Record) error) (Stats, error) {
	return Stats{}, fault.New(fault.Internal, fault.Unclassified, "not implemented yet")
}

// Known lists the canonical message names, sorted.
func Known() []string { return nil }

// Answer is the body that tells the sender what became of m, in the form it used: IBResponse, SOAP or MIME. detail is
// for an administrator's eyes: no secrets, no personal values. m may be nil when nothing could be opened.
func Answer(m *Message, ok bool, detail string) (contentType string, body []byte) { return "", nil }
