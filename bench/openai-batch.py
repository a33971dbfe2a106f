# Bench: what people write in Python instead of `everyspan batch`: the openai client under a semaphore.
# Arguments: provider port, input, output, calls at once. Prints seconds.

import asyncio
import json
import sys
import time

from openai import AsyncOpenAI

port, source, target, at_once = sys.argv[1:5]
client = AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="bench")
semaphore = asyncio.Semaphore(int(at_once))


async def ask(line):
    row = json.loads(line)
    async with semaphore:
        reply = await client.chat.completions.create(
            model="plain", messages=[{"role": "user", "content": row["text"]}]
        )
    return {**row, "reply": reply.choices[0].message.content}


async def main():
    with open(source) as lines, open(target, "w") as out:
        for row in await asyncio.gather(*(ask(line) for line in lines)):
            out.write(json.dumps(row) + "\n")


started = time.monotonic()
asyncio.run(main())
print(time.monotonic() - started)
