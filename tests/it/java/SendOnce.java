import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

/**
 * Sends one packet as the vendor's SDK does, over the same HttpURLConnection, and prints what it gets.
 * Arguments: the URL, a file with header lines, the file with the packet.
 */
public class SendOnce {
    public static void main(String[] args) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL(args[0]).openConnection();
        connection.setUseCaches(false);
        connection.setDoOutput(true);
        connection.setRequestMethod("POST");
        for (String line : Files.readAllLines(Path.of(args[1]))) {
            int colon = line.indexOf(": ");
            connection.setRequestProperty(line.substring(0, colon), line.substring(colon + 2));
        }
        try (OutputStream out = connection.getOutputStream()) {
            Files.copy(Paths.get(args[2]), out);
            out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        int status = connection.getResponseCode();
        boolean isSuccess = status == 200 || status == 201;
        InputStream in = isSuccess ? connection.getInputStream() : connection.getErrorStream();
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        if (in != null) {
            in.transferTo(answer);
        }
        System.out.println(status);
        System.out.println(answer.toString(isSuccess ? StandardCharsets.US_ASCII : StandardCharsets.UTF_8));
    }
}
