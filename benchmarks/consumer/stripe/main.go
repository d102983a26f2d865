// Command stripe does what the command plain does with stripe-go's backend.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/stripe/stripe-go/v84"
	"github.com/stripe/stripe-go/v84/rawrequest"
)

func main() {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{URL: stripe.String("https://api.wise-sandbox.com")})
	client := rawrequest.Client{B: backend.(stripe.RawRequestBackend), Key: os.Getenv("WISE_TOKEN")}
	resp, err := client.RawRequest(http.MethodGet, "/v1/application/users/1001/phone-numbers", "", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var numbers []struct {
		ID int64 `json:"id"`
	}
	err = json.Unmarshal(resp.RawJSON, &numbers)
	fmt.Println(len(numbers), err)
}
