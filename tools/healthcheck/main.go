// Command healthcheck asks a URL and exits 0 when the answer is 200. Images without a shell use it as their health
// check: healthcheck http://127.0.0.1:8080/readyz
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, errs io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(errs, "usage: healthcheck URL")
		return 2
	}
	client := &http.Client{Timeout: 4 * time.Second}
	resp, err := client.Get(args[0])
	if err != nil {
		fmt.Fprintln(errs, "healthcheck:", err)
		return 1
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
		fmt.Fprintf(errs, "healthcheck: %s: %s\n", resp.Status, body)
		return 1
	}
	return 0
}
