// Go, grpc-go: go generate && go run . [127.0.0.1:12200]
package main

//go:generate sh generate.sh

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"acme/greeter/greeterpb"
)

func main() {
	target := "127.0.0.1:12200"
	if len(os.Args) > 1 {
		target = os.Args[1]
	}
	// region: call
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	reply, err := greeterpb.NewGreeterClient(connection).Greet(ctx, &greeterpb.GreetRequest{Name: "Go"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.GetText())
	// endregion
}
