package sofa.bench;

public interface EchoService {
    String echo(String text);
}
