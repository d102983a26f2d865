// Command gogithub does what the command plain does with go-github's client.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/google/go-github/v89/github"
)

func main() {
	base := "https://api.wise-sandbox.com/"
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("WISE_TOKEN")), github.WithURLs(&base, nil))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	req, err := client.NewRequest(context.Background(), http.MethodGet, "v1/application/users/1001/phone-numbers", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var numbers []struct {
		ID int64 `json:"id"`
	}
	_, err = client.Do(req, &numbers)
	fmt.Println(len(numbers), err)
}
