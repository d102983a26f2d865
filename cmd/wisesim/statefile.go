package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// loadState reports whether there was a state to load.
func loadState(srv *usersecuritytest.Server, path string) (bool, error) {
	if path == "" {
		return false, nil
	}
	file, err := os.Open(path) // #nosec G304 -- the user of the program names it
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("-state: %w", err)
	}
	defer func() { _ = file.Close() }()
	if err := srv.LoadState(file); err != nil {
		return false, fmt.Errorf("-state: %s: %w", path, err)
	}
	return true, nil
}

// saveState puts the state into a file that only its owner can read. What was there
// stays until all is written.
func saveState(srv *usersecuritytest.Server, path string) error {
	if path == "" {
		return nil
	}
	// CreateTemp makes files that only their owner can read.
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("-state: %w", err)
	}
	err = errors.Join(srv.SaveState(file), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("-state: %w", err)
	}
	return nil
}
