module github.com/ml-connector/ml-connector/services

go 1.26.0

require (
	github.com/ml-connector/ml-connector/pkg v0.0.0
	github.com/ml-connector/ml-connector/schemas v0.0.0
)

require (
	github.com/adhocore/gronx v1.20.4 // indirect
	github.com/compose-spec/compose-go/v2 v2.16.2 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jedib0t/go-pretty/v6 v6.8.3 // indirect
	github.com/prometheus/client_golang v1.25.0 // indirect
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.16.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace (
	github.com/ml-connector/ml-connector/pkg => ../pkg
	github.com/ml-connector/ml-connector/schemas => ../schemas
)
