// Command openai does what the command plain does with a client that Stainless
// generated.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func main() {
	client := openai.NewClient(option.WithBaseURL("https://api.wise-sandbox.com"), option.WithAPIKey(os.Getenv("WISE_TOKEN")))
	var numbers []struct {
		ID int64 `json:"id"`
	}
	err := client.Get(context.Background(), "v1/application/users/1001/phone-numbers", nil, &numbers)
	fmt.Println(len(numbers), err)
}
