package cli

import (
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/app"
)

// wrong is a mistake on the command line (exit code 2) with what to do next, in two lines.
func wrong(next, format string, args ...any) error {
	return app.InputError{Err: fmt.Errorf("%w\n  next  %s", fmt.Errorf(format, args...), next)}
}
