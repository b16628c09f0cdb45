package ib

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"io"
	"net/http"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

func invalid(code fault.Code, detail string) *fault.Error {
	return fault.New(fault.Invalid, code, detail)
}

func badEnvelope(detail string) *fault.Error { return invalid(fault.BadEnvelope, detail) }

// classify says of any error of reading a delivery who can fix it. The texts of guard never hold a piece of data.
func classify(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok || err == nil {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge("the request body is larger than is accepted")
	}
	if errors.Is(err, guard.ErrCut) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.Transient, fault.SourceTruncated, "the message ends before it is complete")
	}
	if errors.Is(err, guard.ErrText) {
		return invalid(fault.BadText, "the message holds bytes that are no text in its character set")
	}
	if damaged(err) {
		return badEnvelope("the compressed or encoded body is damaged")
	}
	if read, ok := errors.AsType[*guard.ReadError](err); ok {
		return fault.Wrap(read.Err, fault.Transient, fault.SourceTruncated, "the body could not be read to its end")
	}
	return badEnvelope(err.Error())
}

func damaged(err error) bool {
	for _, known := range []error{gzip.ErrHeader, gzip.ErrChecksum, zlib.ErrHeader, zlib.ErrChecksum, zlib.ErrDictionary} {
		if errors.Is(err, known) {
			return true
		}
	}
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	_, alphabet := errors.AsType[base64.CorruptInputError](err)
	return corrupt || alphabet
}

func tooLarge(detail string) *fault.Error { return invalid(fault.TooLarge, detail) }

// stop carries an error of the caller's through the reading, untouched.
type stop struct{ err error }

func (s stop) Error() string { return "stopped by the caller" }
