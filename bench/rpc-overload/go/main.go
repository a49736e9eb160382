// The peers: the work of work.proto on grpc-go, and of work_api.h on Go's net/http, each with its defaults. Options: -port P, -http for the latter.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func compute(rounds int64) int64 {
	state := uint64(0x9e3779b97f4a7c15)
	for ; rounds > 0; rounds-- {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
	}
	return int64(state >> 1)
}

func call(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	rounds := new(wrapperspb.Int64Value)
	if err := decode(rounds); err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // what a careful service does before it computes for nobody
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return wrapperspb.Int64(compute(rounds.GetValue())), nil
}

// What protoc-gen-go-grpc would make of the service.
var service = grpc.ServiceDesc{
	ServiceName: "bench.pb.Work",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Compute", Handler: call}},
}

func answer(w http.ResponseWriter, r *http.Request) {
	var arguments []int64
	if err := json.NewDecoder(r.Body).Decode(&arguments); err != nil || len(arguments) != 1 {
		http.Error(w, "a list of one number is needed", http.StatusBadRequest)
		return
	}
	if r.Context().Err() != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, compute(arguments[0]))
}

func main() {
	port := flag.Int("port", 50051, "")
	overHTTP := flag.Bool("http", false, "")
	flag.Parse()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready pid=%d port=%d\n", os.Getpid(), *port)
	if *overHTTP {
		http.HandleFunc("POST /sofa.bench.Work/compute", answer)
		log.Fatal(http.Serve(listener, nil))
	}
	server := grpc.NewServer()
	server.RegisterService(&service, struct{}{})
	log.Fatal(server.Serve(listener))
}
