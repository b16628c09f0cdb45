// Command tlsfront gives the simulators of the compose demo the https addresses that tenant files want: it makes a
// certificate authority that lives as long as the process, writes its certificate where the services look for trusted
// ones, and passes requests on by host name. For demos only.
//
//	tlsfront -listen :8443 -ca /demo-ca/ca.pem peoplesoft.example=http://sim-peoplesoft:8090 …
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, errs io.Writer) int {
	flags := flag.NewFlagSet("tlsfront", flag.ContinueOnError)
	flags.SetOutput(errs)
	listen := flags.String("listen", ":8443", "address to listen on")
	ca := flags.String("ca", "ca.pem", "where the authority's certificate is written")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	routes, names, err := parse(flags.Args())
	if err != nil {
		fmt.Fprintln(errs, "tlsfront:", err)
		return 2
	}
	if err := serve(*listen, *ca, routes, names); err != nil {
		fmt.Fprintln(errs, "tlsfront:", err)
		return 1
	}
	return 0
}

// parse reads routes of the form host=URL.
func parse(args []string) (map[string]http.Handler, []string, error) {
	routes, names := map[string]http.Handler{}, make([]string, 0, len(args))
	for _, arg := range args {
		name, to, ok := strings.Cut(arg, "=")
		u, err := url.Parse(to)
		if !ok || err != nil || u.Host == "" {
			return nil, nil, fmt.Errorf("%q: want host=URL", arg)
		}
		routes[name], names = httputil.NewSingleHostReverseProxy(u), append(names, name)
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("no routes: want host=URL")
	}
	return routes, names, nil
}

func serve(listen, ca string, routes map[string]http.Handler, names []string) error {
	cert, pem, err := issue(names, time.Now())
	if err != nil {
		return err
	}
	if err := os.WriteFile(ca, pem, 0o644); err != nil {
		return err
	}
	srv := &http.Server{Addr: listen, Handler: byHost(routes), ReadHeaderTimeout: 5 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}}
	return srv.ListenAndServeTLS("", "")
}

func byHost(routes map[string]http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(r.Host, ":")
		if h, ok := routes[host]; ok {
			h.ServeHTTP(w, r)
			return
		}
		http.Error(w, "no such host here", http.StatusMisdirectedRequest)
	})
}
