// Command retryablehttp does what the command plain does with go-retryablehttp.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/hashicorp/go-retryablehttp"
)

func main() {
	client := retryablehttp.NewClient()
	req, err := retryablehttp.NewRequest(http.MethodGet, "https://api.wise-sandbox.com/v1/application/users/1001/phone-numbers", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("WISE_TOKEN"))
	resp, err := client.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer resp.Body.Close()
	var numbers []struct {
		ID int64 `json:"id"`
	}
	err = json.NewDecoder(resp.Body).Decode(&numbers)
	fmt.Println(len(numbers), err)
}
