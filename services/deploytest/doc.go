// Package deploytest holds what is around the code to the code: docker-compose.yml, the Dockerfile, the systemd unit,
// the broker's configuration, the OpenAPI file and the reference pages. It has tests only. Building and starting
// images needs a container engine and is NOT RUN here. Run it with -count=1: the test cache does not see files outside
// the module.
package deploytest
