//go:build race

package usersecurity_test

func init() { underRace = true }
