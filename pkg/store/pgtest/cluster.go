package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startLimit = 60 * time.Second // a busy machine with two cores
	stopLimit  = 20 * time.Second
)

// cluster is a running server with its folder.
type cluster struct {
	dir     string
	process *process
}

// start makes and starts a cluster. Nothing of it survives a crash worth mentioning, so it never syncs.
func start() (*cluster, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	if err := c.init(); err != nil {
		c.stop()
		return nil, err
	}
	if err := c.launch(); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// launch starts the server in its folder and waits until it answers.
func (c *cluster) launch() error {
	server, err := binary("postgres")
	if err != nil {
		return err
	}
	c.process, err = run(command(c.dir, server, "-D", c.data(), "-k", c.dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200", "-c", "shared_buffers=64MB"))
	if err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	return c.wait()
}

// folder makes the cluster's folder, owned by whoever runs the server. The path is short: a Unix socket's may have 107
// bytes at most.
func folder() (string, error) {
	dir, err := os.MkdirTemp("/tmp", "mlcpg")
	if err != nil {
		return "", err
	}
	if err := own(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

func (c *cluster) init() error {
	initdb, err := binary("initdb")
	if err != nil {
		return err
	}
	out, err := command(c.dir, initdb, "-D", c.data(), "-U", "mlc", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// wait polls until the server answers.
func (c *cluster) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-c.process.done:
			return errors.New("postgres ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("postgres did not answer within %s: %w", startLimit, err)
		}
	}
}

// stop ends the server and removes its folder.
func (c *cluster) stop() {
	if c.process != nil {
		c.process.stop(stopLimit)
	}
	if err := os.RemoveAll(c.dir); err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err)
	}
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) url(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{"host": {c.dir}, "user": {"mlc"}}.Encode()}
	return u.String()
}

// binary finds a program of Postgres: on the path, else the newest of a Debian or Red Hat installation.
func binary(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.EvalSymlinks(path)
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/pgsql-*/bin/"} {
		found, err := filepath.Glob(pattern + name)
		if err == nil && len(found) > 0 {
			return slices.Max(found), nil
		}
	}
	return "", fmt.Errorf("no %s on this machine", name)
}
