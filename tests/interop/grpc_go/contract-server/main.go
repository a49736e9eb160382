// grpc-go's server of the contract's gRPC service (docs/protocols/interop-service.md, section 3): it prints "ready pid=N h2=P" when it listens on a
// free port of 127.0.0.1, and ends at SIGTERM.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // takes and answers gzip
	"google.golang.org/grpc/status"

	"sofa/interop/grpc/interoppb"
)

type service struct {
	interoppb.UnimplementedInteropServer
}

func (service) Echo(ctx context.Context, request *interoppb.EchoRequest) (*interoppb.EchoResponse, error) {
	if err := obey(ctx, request); err != nil {
		return nil, err
	}
	return answerTo(request, 0), nil
}

func (service) ServerStream(request *interoppb.EchoRequest, stream grpc.ServerStreamingServer[interoppb.EchoResponse]) error {
	for index := range request.GetTimes() {
		if err := obey(stream.Context(), request); err != nil {
			return err
		}
		if err := stream.Send(answerTo(request, index)); err != nil {
			return err
		}
	}
	return nil
}

func (service) ClientStream(stream grpc.ClientStreamingServer[interoppb.EchoRequest, interoppb.EchoResponse]) error {
	all := &interoppb.EchoResponse{}
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(all)
		}
		if err == nil {
			err = obey(stream.Context(), request)
		}
		if err != nil {
			return err
		}
		all.Text += request.GetText()
		all.Index++
	}
}

func (service) BidiStream(stream grpc.BidiStreamingServer[interoppb.EchoRequest, interoppb.EchoResponse]) error {
	for index := int32(0); ; index++ {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = obey(stream.Context(), request)
		}
		if err == nil {
			err = stream.Send(answerTo(request, index))
		}
		if err != nil {
			return err
		}
	}
}

// obey sleeps and fails as the request asks.
func obey(ctx context.Context, request *interoppb.EchoRequest) error {
	select {
	case <-time.After(time.Duration(request.GetSleepMs()) * time.Millisecond):
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
	if request.GetFail() != "" {
		return status.Error(codes.Unknown, "boom "+request.GetFail())
	}
	return nil
}

func answerTo(request *interoppb.EchoRequest, index int32) *interoppb.EchoResponse {
	return &interoppb.EchoResponse{Text: request.GetText(), Index: index, Blob: request.GetBlob(), Attrs: request.GetAttrs()}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	interoppb.RegisterInteropServer(server, service{})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		server.Stop()
	}()
	fmt.Printf("ready pid=%d h2=%d\n", os.Getpid(), listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}
