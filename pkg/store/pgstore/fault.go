package pgstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/schema"
)

// fail classifies err. Of what Postgres and pgx say only the SQLSTATE or the kind of connection failure is shown: their
// texts, details and encoding errors can hold row data, host names and users.
func fail(op string, err error) error {
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrConflict) {
		return err
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return store.ErrNotFound
	}
	f := &fault.Error{Kind: fault.Transient, Code: fault.StoreDown, Op: op, Detail: connection(err)}
	switch pe, isPostgres := errors.AsType[*pgconn.PgError](err); {
	case errors.Is(err, context.Canceled):
		f.Detail, f.Err = "", context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		f.Detail, f.Err = "", context.DeadlineExceeded
	case errors.Is(err, schema.ErrNewer):
		f.Kind, f.Detail, f.Next = fault.Config, schema.ErrNewer.Error(), "start the newer release, or restore a backup made with this one"
	case isPostgres:
		f.Kind, f.Code, f.Detail = bySQLState(pe.Code)
	}
	return f
}

// bySQLState reads the class (postgresql.org/docs/15/errcodes-appendix.html). Classes that are not named here pass by
// themselves: 08 connection, 25 read-only standby, 40 rollback, 53 resources, 55 locks, 57 shutdown, 58 system.
func bySQLState(state string) (fault.Kind, fault.Code, string) {
	detail := "SQLSTATE " + state
	switch class := state[:min(2, len(state))]; {
	case state == "22021" || state == "22P05": // bytes that are not text
		return fault.Invalid, fault.BadText, detail
	case class == "28" || class == "3D" || state == "42501": // sign-in, database, rights
		return fault.Config, fault.StoreDown, detail
	case class == "21" || class == "22" || class == "23" || class == "42": // our SQL or our values
		return fault.Internal, fault.Unclassified, detail
	}
	return fault.Transient, fault.StoreDown, detail
}

// connection says in safe words why there was no answer.
func connection(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "host name not found"
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "connection lost"
	}
	return fmt.Sprintf("no answer (%T)", err)
}

// again tells whether Postgres undid the transaction for the sake of another: it may simply be run again.
func again(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pe.Code == "40001" || pe.Code == "40P01")
}
