// Command library is a consumer of the library that uses what a partner uses:
// client credentials, cached user tokens, sealing, retries and a logger.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/wise-partner/usersecurity"
)

func main() {
	client, err := usersecurity.New(
		usersecurity.WithBaseURL(usersecurity.Sandbox),
		usersecurity.WithClientCredentials(os.Getenv("WISE_CLIENT_ID"), os.Getenv("WISE_CLIENT_SECRET")),
		usersecurity.WithUserTokens(usersecurity.ForUser(1001, usersecurity.StaticToken(os.Getenv("WISE_TOKEN")))),
		usersecurity.WithJWE(),
		usersecurity.WithLogger(slog.Default()),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx := context.Background()
	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := client.CreatePin(ctx, 1001, pin); err != nil && !errors.Is(err, usersecurity.ErrPinAlreadySet) {
		fmt.Fprintln(os.Stderr, err)
	}
	fingerprint, err := usersecurity.NewFingerprint("a device")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := client.CreateDeviceFingerprint(ctx, 1001, fingerprint); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	numbers, err := client.ListPhoneNumbers(ctx, 1001)
	fmt.Println(len(numbers), err)
}
