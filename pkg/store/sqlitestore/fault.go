package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"syscall"

	"modernc.org/sqlite"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/schema"
)

// Result codes of SQLite (sqlite.org/rescode.html) that are not "try again".
const (
	codeError      = 1 // SQL error: our bug
	codeCorrupt    = 11
	codeConstraint = 19
	codeMisuse     = 21
	codeNotDB      = 26
)

// fail classifies err. The text of the driver stays behind, only its code is shown: no row data in errors.
func fail(op string, err error) error {
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrConflict) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return classify(op, err)
}

func classify(op string, err error) error {
	f := &fault.Error{Kind: fault.Transient, Code: fault.StoreDown, Op: op, Detail: fmt.Sprintf("%T", err)}
	se, isSQLite := errors.AsType[*sqlite.Error](err)
	errno, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, context.Canceled):
		f.Detail, f.Err = "", context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		f.Detail, f.Err = "", context.DeadlineExceeded
	case isSQLite:
		f.Detail = fmt.Sprintf("SQLite result code %d", se.Code())
		switch se.Code() & 0xff {
		case codeError, codeConstraint, codeMisuse:
			f.Kind, f.Code = fault.Internal, fault.Unclassified
		case codeCorrupt, codeNotDB:
			f.Kind, f.Next = fault.Config, "restore the data folder from a backup: the state file is damaged"
		}
	case errors.Is(err, schema.ErrNewer):
		f.Kind, f.Detail, f.Next = fault.Config, err.Error(), "start the newer release, or restore a backup made with this one"
	case isErrno:
		f.Detail = errno.Error()
	}
	return f
}

// unknown is fail for a commit: nobody knows whether it took effect.
func unknown(op string, err error) error {
	err = fail(op, err)
	if f, ok := errors.AsType[*fault.Error](err); ok {
		f.Unknown = true
	}
	return err
}
