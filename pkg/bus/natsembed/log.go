package natsembed

import (
	"fmt"
	"log/slog"
)

// adapter gives the server's lines to slog; its notices are our debug lines.
type adapter struct{ log *slog.Logger }

func (a adapter) Noticef(f string, v ...any) { a.log.Debug("broker", "line", fmt.Sprintf(f, v...)) }
func (a adapter) Warnf(f string, v ...any)   { a.log.Warn("broker", "line", fmt.Sprintf(f, v...)) }
func (a adapter) Fatalf(f string, v ...any)  { a.log.Error("broker", "line", fmt.Sprintf(f, v...)) }
func (a adapter) Errorf(f string, v ...any)  { a.log.Error("broker", "line", fmt.Sprintf(f, v...)) }
func (a adapter) Debugf(string, ...any)      {}
func (a adapter) Tracef(string, ...any)      {}
