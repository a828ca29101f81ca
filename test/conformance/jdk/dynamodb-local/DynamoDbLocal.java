import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * Starts DynamoDB Local in memory, on 127.0.0.1: its own command listens on all interfaces. Writes "port N" when it
 * listens, and ends with its standard input.
 */
final class DynamoDbLocal {
  public static void main(String[] arguments) throws Exception {
    DynamoDBProxyServer proxy = ServerRunner.createServerFromCommandLineArgs(
        new String[] {"-inMemory", "-disableTelemetry", "-port", "8000"});
    var field = DynamoDBProxyServer.class.getDeclaredField("server");
    field.setAccessible(true);
    Server server = (Server) field.get(proxy);
    ServerConnector connector = (ServerConnector) server.getConnectors()[0];
    connector.setHost("127.0.0.1");
    // Any free port; its command does not take 0.
    connector.setPort(0);
    proxy.start();
    System.out.println("port " + connector.getLocalPort());
    while (System.in.read() != -1) {}
    proxy.stop();
    System.exit(0);
  }
}
