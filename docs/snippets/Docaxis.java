// The six flows with Java 11 or later, without libraries. HUB is http://host:port, TOKEN is KEY_ID.SECRET.
// java Docaxis.java check FILE | send FILE | list | fetch DELIVERY FILE | confirm DELIVERY STATUS | report FILE
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;

public class Docaxis {
    static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "check": print(post("/envelopes:check", "application/xml", BodyPublishers.ofFile(Path.of(args[1])))); break;
            // A status packet is sent as a document is.
            case "send":
            case "report": print(post("/envelopes", "application/xml", BodyPublishers.ofFile(Path.of(args[1])))); break;
            // Waits up to 20 seconds for something to come.
            case "list": print(call(request("/mailbox?wait=20"))); break;
            case "fetch": fetch(args[1], Path.of(args[2])); break;
            case "confirm":
                String body = "{\"status\":\"" + args[2] + "\"}";
                print(post("/deliveries/" + args[1] + "/confirm", "application/json", BodyPublishers.ofString(body)));
                break;
            default: throw new IllegalArgumentException("unknown: " + args[0]);
        }
    }

    static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(System.getenv("HUB") + "/api/v1" + path))
            .timeout(Duration.ofSeconds(90)).header("Authorization", "Bearer " + System.getenv("TOKEN"));
    }

    static HttpResponse<byte[]> post(String path, String type, BodyPublisher body) throws Exception {
        return call(request(path).header("Content-Type", type).POST(body));
    }

    static HttpResponse<byte[]> call(HttpRequest.Builder request) throws Exception {
        HttpResponse<byte[]> answer = CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() >= 400) {
            // A problem in both languages; for a refused packet with every reason. 429 and 503: come again later.
            System.err.println(answer.statusCode() + " " + new String(answer.body(), StandardCharsets.UTF_8));
            System.exit(1);
        }
        return answer;
    }

    static void fetch(String delivery, Path file) throws Exception {
        HttpResponse<byte[]> answer = call(request("/deliveries/" + delivery + "/content"));
        StringBuilder digest = new StringBuilder();
        for (byte one : MessageDigest.getInstance("SHA-256").digest(answer.body())) {
            digest.append(String.format("%02x", one));
        }
        if (!digest.toString().equals(answer.headers().firstValue("Docaxis-Sha256").orElse(""))) {
            throw new IllegalStateException("damaged on its way: fetch it again");
        }
        Files.write(file, answer.body());
    }

    static void print(HttpResponse<byte[]> answer) {
        System.out.println(new String(answer.body(), StandardCharsets.UTF_8));
    }
}
