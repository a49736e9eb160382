// The peer: the echo of echo.proto on grpc-go with its defaults. Options: -port P, -certificate FILE -key FILE for TLS.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type echo struct{}

func call(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	text := new(wrapperspb.StringValue)
	if err := decode(text); err != nil {
		return nil, err
	}
	return text, nil
}

func talk(_ any, stream grpc.ServerStream) error {
	for {
		text := new(wrapperspb.StringValue)
		if err := stream.RecvMsg(text); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg(text); err != nil {
			return err
		}
	}
}

// What protoc-gen-go-grpc would make of the service.
var service = grpc.ServiceDesc{
	ServiceName: "bench.pb.Echo",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Call", Handler: call}},
	Streams:     []grpc.StreamDesc{{StreamName: "Talk", Handler: talk, ServerStreams: true, ClientStreams: true}},
}

func options(certificate, key string) []grpc.ServerOption {
	if certificate == "" {
		return nil
	}
	tls, err := credentials.NewServerTLSFromFile(certificate, key)
	if err != nil {
		log.Fatal(err)
	}
	return []grpc.ServerOption{grpc.Creds(tls)}
}

func main() {
	port := flag.Int("port", 50051, "")
	certificate := flag.String("certificate", "", "")
	key := flag.String("key", "", "")
	flag.Parse()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(options(*certificate, *key)...)
	server.RegisterService(&service, echo{})
	fmt.Printf("ready pid=%d h2=%d\n", os.Getpid(), *port)
	log.Fatal(server.Serve(listener))
}
