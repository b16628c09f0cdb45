package natsbus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Error codes of the server that mean something here (nats-server errors.json; broker.md 2.1).
const (
	codeWrongLast    = 10071 // compare-and-set lost, one replica
	codeWrongLastR3  = 10164 // the same with several
	codeNoResources  = 10023 // the account or the store is full
	codeStoreFailed  = 10077 // the stream is full
	codeNoReserve    = 10047 // the store has no room for the reservation
	codeTooBig       = 10054
	codeNoStream     = 10059
	codeNoConsumer   = 10014
	codeBatchRepeats = 10201 // a message id in the batch is known already
	codeBatchBusy    = 10210 // too many open batches
	codeBatchLost    = 10176 // the server gave the batch up
	codeScheduleBad  = 10189
)

func codeOf(err error) jetstream.ErrorCode {
	if e, ok := errors.AsType[jetstream.JetStreamError](err); ok && e.APIError() != nil {
		return e.APIError().ErrorCode
	}
	if e, ok := errors.AsType[*jetstream.APIError](err); ok {
		return e.ErrorCode
	}
	return 0
}

func isConflict(err error) bool {
	c := codeOf(err)
	return c == codeWrongLast || c == codeWrongLastR3
}

// classify turns an error of the client into one of ours; op is what was tried.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return fmt.Errorf("%s: %w", op, err)
	}
	f := &fault.Error{Kind: fault.Transient, Code: fault.BrokerDown, Op: op, Err: err}
	switch codeOf(err) {
	case codeNoResources, codeStoreFailed, codeNoReserve:
		f.Code = fault.BrokerLimit
	case codeTooBig:
		f.Kind, f.Code = fault.Invalid, fault.TooLarge
	case codeNoStream, codeNoConsumer:
		f.Kind, f.Code, f.Detail = fault.Config, fault.BrokerDrift, "the tenant's streams are not there"
	case codeScheduleBad:
		f.Kind, f.Code = fault.Config, fault.BadConfig
	case 0:
		f.Unknown = unclear(err)
		if errors.Is(err, nats.ErrMaxPayload) {
			f.Kind, f.Code = fault.Invalid, fault.TooLarge
		}
	}
	return f
}

// unclear tells whether the broker may have done what was asked although no answer was seen.
func unclear(err error) bool {
	return errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrNoResponders) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, jetstream.ErrInvalidJSAck)
}
