// Command plain is a program that speaks HTTPS and JSON with net/http alone: what
// the binary of a consumer of the library is compared with.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.wise-sandbox.com/v1/application/users/1001/phone-numbers", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("WISE_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer resp.Body.Close()
	var numbers []struct {
		ID int64 `json:"id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&numbers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(len(numbers))
}
