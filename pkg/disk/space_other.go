//go:build !unix

package disk

import "errors"

// Of cannot measure here.
func Of(string) (Space, error) {
	return Space{}, errors.New("free space cannot be measured on this system")
}
