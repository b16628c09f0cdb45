package natsembed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// mend removes the empty block files that a kill leaves behind between two steps of the server: it makes a block's file
// first and the file with the block's key second. A block that is empty and has no key holds nothing; but the server
// (2.15.2) takes it for a corrupt stream at the next start and then removes the whole stream with everything in it
// (filestore.go, loadEncryptionForMsgBlock and convertToEncrypted; stream.go, the failure of setupStore). Folders
// without encryption have no keys and do not suffer from it.
func mend(o Options) error {
	if len(o.Key) == 0 {
		return nil
	}
	blocks, err := filepath.Glob(filepath.Join(o.Dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil {
		return fmt.Errorf("broker folder: %w", err)
	}
	for _, b := range blocks {
		info, err := os.Stat(b)
		if err != nil || info.Size() > 0 {
			continue // gone, or the server's own matter
		}
		if _, err := os.Stat(strings.TrimSuffix(b, ".blk") + ".key"); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Remove(b); err != nil {
			return fault.Wrap(err, fault.Config, fault.BadConfig, "broker folder: an empty block without its key")
		}
		o.Logger.Warn("an empty block without its key was removed before the broker starts", "file", b)
	}
	return nil
}
