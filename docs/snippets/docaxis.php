<?php
// The six flows with PHP 8, without extensions. HUB is http://host:port, TOKEN is KEY_ID.SECRET.
// php docaxis.php check FILE | send FILE | list | fetch DELIVERY FILE | confirm DELIVERY STATUS | report FILE

function call(string $path, ?string $body = null, string $type = 'application/xml'): array
{
    $headers = ['Authorization: Bearer ' . getenv('TOKEN')];
    if ($body !== null) {
        $headers[] = 'Content-Type: ' . $type;
    }
    $http = ['method' => $body === null ? 'GET' : 'POST', 'header' => $headers, 'ignore_errors' => true, 'timeout' => 90];
    if ($body !== null) {
        $http['content'] = $body;
    }
    $answer = file_get_contents(getenv('HUB') . '/api/v1' . $path, false, stream_context_create(['http' => $http]));
    $status = (int) explode(' ', $http_response_header[0])[1];
    if ($status >= 400) {
        // A problem in both languages; for a refused packet with every reason. 429 and 503: come again later.
        fwrite(STDERR, "$status $answer\n");
        exit(1);
    }
    $named = [];
    foreach ($http_response_header as $line) {
        [$name, $value] = array_pad(explode(':', $line, 2), 2, '');
        $named[strtolower($name)] = trim($value);
    }
    return [$answer, $named];
}

[, $flow] = $argv;
switch ($flow) {
    case 'check':
        echo call('/envelopes:check', file_get_contents($argv[2]))[0], "\n";
        break;
    case 'send':
    case 'report': // a status packet is sent as a document is
        echo call('/envelopes', file_get_contents($argv[2]))[0], "\n";
        break;
    case 'list': // waits up to 20 seconds for something to come
        echo call('/mailbox?wait=20')[0], "\n";
        break;
    case 'fetch':
        [$content, $headers] = call("/deliveries/{$argv[2]}/content");
        if (hash('sha256', $content) !== $headers['docaxis-sha256']) {
            exit("damaged on its way: fetch it again\n");
        }
        file_put_contents($argv[3], $content);
        break;
    case 'confirm':
        echo call("/deliveries/{$argv[2]}/confirm", json_encode(['status' => $argv[3]]), 'application/json')[0], "\n";
        break;
    default:
        fwrite(STDERR, "unknown: $flow\n");
        exit(2);
}
