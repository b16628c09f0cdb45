package httpx

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
)

// Resolve looks the host up; an address needs no looking up. It returns how many addresses there are.
func (c *Client) Resolve(ctx context.Context, host string) (int, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Dial, errTotal)
	defer cancel()
	list, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return 0, c.classify(ctx, err, false)
	}
	return len(list), nil
}

// Connect opens a connection under the same rules as requests, and closes it again.
func (c *Client) Connect(ctx context.Context, host, port string) error {
	conn, err := c.dial(ctx, host, port)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Secure makes a TLS handshake under the same rules as requests and returns the version that was agreed.
func (c *Client) Secure(ctx context.Context, host, port string) (string, error) {
	conn, err := c.dial(ctx, host, port)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // the handshake's result is what counts
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Handshake, errTotal)
	defer cancel()
	secure := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: c.cfg.MinTLS, RootCAs: c.roots})
	if err := secure.HandshakeContext(ctx); err != nil {
		return "", c.classify(ctx, err, false)
	}
	return tls.VersionName(secure.ConnectionState().Version), nil
}

func (c *Client) dial(ctx context.Context, host, port string) (net.Conn, error) {
	dialCtx, cancel := context.WithTimeoutCause(ctx, c.cfg.Dial, errTotal)
	defer cancel()
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		port = "443"
	}
	conn, err := c.dialer.DialContext(dialCtx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, c.classify(dialCtx, err, false)
	}
	return conn, nil
}
