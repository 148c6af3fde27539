// The six flows with .NET 8, without packages. HUB is http://host:port, TOKEN is KEY_ID.SECRET.
// NOT RUN BY OUR TESTS: there is no .NET where they run. The same requests in the other languages are.
// dotnet run -- check FILE | send FILE | list | fetch DELIVERY FILE | confirm DELIVERY STATUS | report FILE
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(90) };
var hub = Environment.GetEnvironmentVariable("HUB") + "/api/v1";
client.DefaultRequestHeaders.Authorization =
    new AuthenticationHeaderValue("Bearer", Environment.GetEnvironmentVariable("TOKEN"));

switch (args[0])
{
    case "check":
        await Print(await Call(HttpMethod.Post, "/envelopes:check", File.ReadAllBytes(args[1])));
        break;
    case "send":
    case "report": // a status packet is sent as a document is
        await Print(await Call(HttpMethod.Post, "/envelopes", File.ReadAllBytes(args[1])));
        break;
    case "list": // waits up to 20 seconds for something to come
        await Print(await Call(HttpMethod.Get, "/mailbox?wait=20"));
        break;
    case "fetch":
        var answer = await Call(HttpMethod.Get, $"/deliveries/{args[1]}/content");
        var content = await answer.Content.ReadAsByteArrayAsync();
        var digest = Convert.ToHexString(SHA256.HashData(content)).ToLowerInvariant();
        if (digest != answer.Headers.GetValues("Docaxis-Sha256").First())
            throw new InvalidDataException("damaged on its way: fetch it again");
        File.WriteAllBytes(args[2], content);
        break;
    case "confirm":
        var body = Encoding.UTF8.GetBytes("{\"status\":\"" + args[2] + "\"}");
        await Print(await Call(HttpMethod.Post, $"/deliveries/{args[1]}/confirm", body, "application/json"));
        break;
    default:
        throw new ArgumentException("unknown: " + args[0]);
}

async Task<HttpResponseMessage> Call(HttpMethod method, string path, byte[]? body = null, string type = "application/xml")
{
    var request = new HttpRequestMessage(method, hub + path);
    if (body is not null)
    {
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
    }
    var answer = await client.SendAsync(request);
    if (!answer.IsSuccessStatusCode)
    {
        // A problem in both languages; for a refused packet with every reason. 429 and 503: come again later.
        Console.Error.WriteLine($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        Environment.Exit(1);
    }
    return answer;
}

static async Task Print(HttpResponseMessage answer) => Console.WriteLine(await answer.Content.ReadAsStringAsync());
