// Command resty does what the command plain does with resty.
package main

import (
	"fmt"
	"os"

	"resty.dev/v3"
)

func main() {
	var numbers []struct {
		ID int64 `json:"id"`
	}
	client := resty.New().SetBaseURL("https://api.wise-sandbox.com").SetAuthToken(os.Getenv("WISE_TOKEN")).SetRetryCount(3)
	_, err := client.R().SetResult(&numbers).Get("/v1/application/users/1001/phone-numbers")
	fmt.Println(len(numbers), err)
}
