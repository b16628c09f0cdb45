package natsembed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// launches is how often the server is started until it finds nothing to cut.
const launches = 3

// launch starts the server, and starts it anew when it cut a damaged block. It cuts behind the last whole message, but
// goes on to encrypt as if it had not (2.15.2, filestore.go: rebuildStateLocked decrypts the whole block, which moves
// the key stream to its former end): everything that is stored in that block until the next start is acknowledged and
// cannot be read. A server that begins with the cut file has the right place (docs/adr/0021).
func launch(ctx context.Context, o Options) (*server.Server, error) {
	for try := 1; ; try++ {
		before, err := blocks(o.Dir)
		if err != nil {
			return nil, err
		}
		inner, err := launchOnce(ctx, o)
		if err != nil {
			return nil, err
		}
		after, err := blocks(o.Dir)
		if err != nil {
			inner.Shutdown()
			return nil, err
		}
		cut := shrunk(before, after)
		if len(o.Key) == 0 || len(cut) == 0 || try == launches {
			return inner, nil
		}
		o.Logger.Error("the broker cut damaged blocks: it starts anew before anything is stored behind the cut", "fault", fault.StreamBehind, "files", cut)
		inner.Shutdown()
		inner.WaitForShutdown()
		if err := forget(cut); err != nil {
			return nil, err
		}
	}
}

// blocks gives the size of every block file, in bytes.
func blocks(dir string) (map[string]int64, error) {
	list, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil {
		return nil, fmt.Errorf("broker folder: %w", err)
	}
	sizes := make(map[string]int64, len(list))
	for _, path := range list {
		if info, err := os.Stat(path); err == nil { // else it is gone meanwhile
			sizes[path] = info.Size()
		}
	}
	return sizes, nil
}

// shrunk lists the blocks that are smaller than before. The server also compacts blocks now and then; what that costs
// is one more start.
func shrunk(before, after map[string]int64) (list []string) {
	for path, size := range after {
		if was, ok := before[path]; ok && size < was {
			list = append(list, path)
		}
	}
	return list
}

// forget removes the summaries of the blocks' streams: they were written over the wrong place, and the server makes
// them again from the blocks.
func forget(blocks []string) error {
	for _, path := range blocks {
		if err := os.RemoveAll(filepath.Join(filepath.Dir(path), "index.db")); err != nil {
			return fault.Wrap(err, fault.Config, fault.BadConfig, "broker folder: the summary of a stream")
		}
	}
	return nil
}
