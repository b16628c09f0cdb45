//go:build !faultpoints

package crash_test

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/crash"
)

func TestWithoutTheTagNothingHappens(t *testing.T) {
	t.Setenv("MLC_CRASH", "here:1")
	t.Setenv("MLC_BUG", "overlap-zero")
	crash.Point("here")
	if crash.Bug("overlap-zero") {
		t.Fatal("a program without the tag makes a deliberate mistake")
	}
}
