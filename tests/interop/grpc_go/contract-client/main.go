// grpc-go on the contract's gRPC service (docs/protocols/interop-service.md, section 3), by generated stubs: contract-client HOST:PORT
// Prints `ok name` or `FAIL name: why` for each check and `N passed, M failed`; exit code 0 only when none failed.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"sofa/interop/grpc/interoppb"
)

const (
	unknownCodec = "upside-down"
	patience     = 20 * time.Second // of every call that names nothing else
)

type check struct {
	name string
	run  func(context.Context, interoppb.InteropClient) error
}

func main() {
	encoding.RegisterCompressor(sameBytes{})
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Printf("FAIL connect: %v\n0 passed, 1 failed\n", err)
		os.Exit(1)
	}
	failed := runAll(append(append(unaryChecks(), endChecks(connection)...), streamChecks()...), interoppb.NewInteropClient(connection))
	connection.Close()
	if failed > 0 {
		os.Exit(1)
	}
}

func runAll(checks []check, stub interoppb.InteropClient) (failed int) {
	for _, one := range checks {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := one.run(ctx, stub); err != nil {
			failed++
			fmt.Printf("FAIL %s: %v\n", one.name, err)
		} else {
			fmt.Printf("ok %s\n", one.name)
		}
		cancel()
	}
	fmt.Printf("%d passed, %d failed\n", len(checks)-failed, failed)
	return failed
}

// ---------------------------------------------------------------- one request, one answer

func unaryChecks() []check {
	checks := []check{{"echo.fields", echoKeepsEveryField}, {"many_at_once", manyCallsAtOnce}}
	for _, size := range []int{0, 1, 16384, 65536, 3 << 20} {
		for name, options := range map[string][]grpc.CallOption{"size": nil, "gzip": {grpc.UseCompressor(gzip.Name)}} {
			checks = append(checks, check{fmt.Sprintf("%s.%d", name, size), func(ctx context.Context, stub interoppb.InteropClient) error {
				return echoBlob(ctx, stub, size, options...)
			}})
		}
	}
	return checks
}

func echoKeepsEveryField(ctx context.Context, stub interoppb.InteropClient) error {
	blob := make([]byte, 256)
	for i := range blob {
		blob[i] = byte(i)
	}
	sent := &interoppb.EchoRequest{Text: "text 中", Times: 7, Blob: blob, Attrs: map[string]string{"a": "1", "中": ""}}
	answer, err := stub.Echo(ctx, sent)
	if err != nil {
		return err
	}
	empty, present := answer.GetAttrs()["中"]
	same := answer.GetText() == sent.GetText() && answer.GetIndex() == 0 && bytes.Equal(answer.GetBlob(), blob) &&
		len(answer.GetAttrs()) == 2 && answer.GetAttrs()["a"] == "1" && present && empty == ""
	return expect(same, "another answer: %v", answer)
}

func echoBlob(ctx context.Context, stub interoppb.InteropClient, size int, options ...grpc.CallOption) error {
	blob := bytes.Repeat([]byte("x"), size)
	answer, err := stub.Echo(ctx, &interoppb.EchoRequest{Blob: blob}, options...)
	if err != nil {
		return err
	}
	return expect(bytes.Equal(answer.GetBlob(), blob), "%d bytes came back, not the same", len(answer.GetBlob()))
}

func manyCallsAtOnce(ctx context.Context, stub interoppb.InteropClient) error {
	const calls = 1000
	results := make(chan error, calls)
	for i := range calls {
		go func() {
			text := strconv.Itoa(i)
			answer, err := stub.Echo(ctx, &interoppb.EchoRequest{Text: text, SleepMs: int32(i % 20)})
			if err == nil {
				err = expect(answer.GetText() == text, "call %s got %q", text, answer.GetText())
			}
			results <- err
		}()
	}
	var all []error
	for range calls {
		all = append(all, <-results)
	}
	return errors.Join(all...)
}

// ---------------------------------------------------------------- calls that end without an answer

func endChecks(connection *grpc.ClientConn) []check {
	return []check{
		{"fail", func(ctx context.Context, stub interoppb.InteropClient) error {
			_, err := stub.Echo(ctx, &interoppb.EchoRequest{Fail: "ed 100% 中"})
			return expectStatus(err, codes.Unknown, "boom ed 100% 中")
		}},
		{"compression.unknown", func(ctx context.Context, stub interoppb.InteropClient) error {
			err := echoBlob(ctx, stub, 1000, grpc.UseCompressor(unknownCodec))
			return errors.Join(expectStatus(err, codes.Unimplemented, unknownCodec), expectStatus(err, codes.Unimplemented, gzip.Name))
		}},
		{"over_the_limit", func(ctx context.Context, stub interoppb.InteropClient) error {
			return expectStatus(echoBlob(ctx, stub, 33<<20), codes.ResourceExhausted, "")
		}},
		{"unimplemented.method", func(ctx context.Context, _ interoppb.InteropClient) error {
			err := connection.Invoke(ctx, "/sofa.interop.pb.Interop/Missing", &interoppb.EchoRequest{}, &interoppb.EchoResponse{})
			return expectStatus(err, codes.Unimplemented, "")
		}},
		{"unimplemented.service", func(ctx context.Context, _ interoppb.InteropClient) error {
			err := connection.Invoke(ctx, "/no.Service/Echo", &interoppb.EchoRequest{}, &interoppb.EchoResponse{})
			return expectStatus(err, codes.Unimplemented, "")
		}},
		{"deadline", deadlineIsObeyed},
		{"cancel", func(ctx context.Context, stub interoppb.InteropClient) error {
			called, cancel := context.WithCancel(ctx)
			time.AfterFunc(50*time.Millisecond, cancel)
			_, err := stub.Echo(called, &interoppb.EchoRequest{SleepMs: 10_000})
			return errors.Join(expectStatus(err, codes.Canceled, ""), echoBlob(ctx, stub, 1))
		}},
	}
}

func deadlineIsObeyed(ctx context.Context, stub interoppb.InteropClient) error {
	soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := stub.Echo(soon, &interoppb.EchoRequest{SleepMs: 10_000})
	return errors.Join(expectStatus(err, codes.DeadlineExceeded, ""), expect(time.Since(begun) < 5*time.Second, "the deadline came late"))
}

// ---------------------------------------------------------------- streams

func streamChecks() []check {
	return []check{
		{"stream.server", func(ctx context.Context, stub interoppb.InteropClient) error {
			return readServerStream(ctx, stub, 1000)
		}},
		{"stream.server_empty", func(ctx context.Context, stub interoppb.InteropClient) error { return readServerStream(ctx, stub, 0) }},
		{"stream.client", clientStream},
		{"stream.bidi", func(ctx context.Context, stub interoppb.InteropClient) error {
			return bidiAnswersEachBeforeTheNext(ctx, stub)
		}},
		{"stream.bidi_in_gzip", func(ctx context.Context, stub interoppb.InteropClient) error {
			return bidiAnswersEachBeforeTheNext(ctx, stub, grpc.UseCompressor(gzip.Name))
		}},
		{"stream.fails_after_its_messages", streamFailsAfterItsMessages},
		{"stream.cancelled", cancelledStreamLeavesTheConnection},
		{"stream.deadline", func(ctx context.Context, stub interoppb.InteropClient) error {
			soon, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			stream, err := stub.ServerStream(soon, &interoppb.EchoRequest{Times: 1_000_000, SleepMs: 50})
			for err == nil {
				_, err = stream.Recv()
			}
			return expectStatus(err, codes.DeadlineExceeded, "")
		}},
	}
}

func readServerStream(ctx context.Context, stub interoppb.InteropClient, times int32) error {
	stream, err := stub.ServerStream(ctx, &interoppb.EchoRequest{Text: "s", Times: times})
	if err != nil {
		return err
	}
	for index := range times {
		answer, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("answer %d: %w", index, err)
		}
		if answer.GetText() != "s" || answer.GetIndex() != index {
			return fmt.Errorf("answer %d is %v", index, answer)
		}
	}
	return expectEnd(stream.Recv())
}

func clientStream(ctx context.Context, stub interoppb.InteropClient) error {
	stream, err := stub.ClientStream(ctx)
	if err != nil {
		return err
	}
	var all strings.Builder
	for i := range 100 {
		all.WriteString(strconv.Itoa(i))
		if err := stream.Send(&interoppb.EchoRequest{Text: strconv.Itoa(i)}); err != nil {
			return err
		}
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	return expect(answer.GetText() == all.String() && answer.GetIndex() == 100, "another answer: %v", answer)
}

func bidiAnswersEachBeforeTheNext(ctx context.Context, stub interoppb.InteropClient, options ...grpc.CallOption) error {
	stream, err := stub.BidiStream(ctx, options...)
	if err != nil {
		return err
	}
	for i := range int32(50) {
		text := strings.Repeat(strconv.Itoa(int(i)), 100)
		if err := stream.Send(&interoppb.EchoRequest{Text: text}); err != nil {
			return err
		}
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		if answer.GetText() != text || answer.GetIndex() != i {
			return fmt.Errorf("answer %d is %v", i, answer)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return expectEnd(stream.Recv())
}

func streamFailsAfterItsMessages(ctx context.Context, stub interoppb.InteropClient) error {
	stream, err := stub.BidiStream(ctx)
	if err != nil {
		return err
	}
	for _, request := range []*interoppb.EchoRequest{{Text: "a"}, {Fail: "ed"}} {
		if err := stream.Send(request); err != nil {
			return err
		}
	}
	answer, err := stream.Recv()
	if err != nil || answer.GetText() != "a" {
		return fmt.Errorf("the message before the failure is %v, %v", answer, err)
	}
	_, err = stream.Recv()
	return expectStatus(err, codes.Unknown, "boom ed")
}

func cancelledStreamLeavesTheConnection(ctx context.Context, stub interoppb.InteropClient) error {
	called, cancel := context.WithCancel(ctx)
	stream, err := stub.ServerStream(called, &interoppb.EchoRequest{Text: strings.Repeat("x", 1000), Times: 1_000_000})
	if err == nil {
		_, err = stream.Recv()
	}
	cancel()
	for err == nil { // what had come before
		_, err = stream.Recv()
	}
	return errors.Join(expectStatus(err, codes.Canceled, ""), echoBlob(ctx, stub, 1))
}

// ---------------------------------------------------------------- what is expected

func expect(ok bool, format string, values ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, values...)
}

func expectStatus(err error, code codes.Code, part string) error {
	got, isStatus := status.FromError(err)
	return expect(isStatus && got.Code() == code && strings.Contains(got.Message(), part), "expected %v with %q, got %v", code, part, err)
}

func expectEnd(answer *interoppb.EchoResponse, err error) error {
	return expect(errors.Is(err, io.EOF), "expected the end of the stream, got %v, %v", answer, err)
}

// sameBytes is a compression that no server knows: it leaves the bytes as they are.
type sameBytes struct{}

func (sameBytes) Name() string                                  { return unknownCodec }
func (sameBytes) Compress(to io.Writer) (io.WriteCloser, error) { return openWriter{to}, nil }
func (sameBytes) Decompress(from io.Reader) (io.Reader, error)  { return from, nil }

type openWriter struct{ io.Writer }

func (openWriter) Close() error { return nil }
