// Command azcore does what the command plain does with azcore's pipeline.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

func main() {
	credential := runtime.NewKeyCredentialPolicy(azcore.NewKeyCredential(os.Getenv("WISE_TOKEN")), "Authorization",
		&runtime.KeyCredentialPolicyOptions{Prefix: "Bearer "})
	pipeline := runtime.NewPipeline("consumer", "v1.0.0", runtime.PipelineOptions{PerRetry: []policy.Policy{credential}}, nil)
	req, err := runtime.NewRequest(context.Background(), http.MethodGet, "https://api.wise-sandbox.com/v1/application/users/1001/phone-numbers")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	resp, err := pipeline.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var numbers []struct {
		ID int64 `json:"id"`
	}
	err = runtime.UnmarshalAsJSON(resp, &numbers)
	fmt.Println(len(numbers), err)
}
