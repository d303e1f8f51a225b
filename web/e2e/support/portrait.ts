/**
 * Runs in a page before its scripts: instead of the test pattern the camera shows a drawn
 * person in an office, and the shared screen a draft, so that pictures of the pages look
 * like the real thing. Voices stay those of the fake microphone.
 */
export function portrait(number: number): void {
  const { mediaDevices } = navigator;
  const open = mediaDevices.getUserMedia.bind(mediaDevices);

  function draw(width: number, height: number, paint: (context: CanvasRenderingContext2D, time: number) => void): MediaStreamTrack {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d")!;
    context.scale(width / 1280, height / 720);
    setInterval(() => paint(context, performance.now() / 1000), 100);
    paint(context, 0);
    return canvas.captureStream(10).getVideoTracks()[0]!;
  }

  const person = () =>
    draw(640, 360, (context, time) => {
      const hue = (number * 67 + 190) % 360;
      const wall = context.createLinearGradient(0, 0, 1280, 720);
      wall.addColorStop(0, `hsl(${hue} 18% 62%)`);
      wall.addColorStop(1, `hsl(${hue} 22% 38%)`);
      context.fillStyle = wall;
      context.fillRect(0, 0, 1280, 720);
      context.fillStyle = `hsl(${hue} 20% 30% / 45%)`; // shelves
      for (let row = 0; row < 4; row++) for (let i = 0; i < 14; i++) context.fillRect(40 + i * 24, 60 + row * 150 + ((i * 13) % 5) * 8, 18, 110 - ((i * 13) % 5) * 8);
      context.fillStyle = "rgb(245 240 230 / 70%)"; // a window
      context.fillRect(930, 70, 260, 330);
      const sway = Math.sin(time * 0.9 + number) * 8;
      const cloth = ["#2b3a4a", "#4a2f3a", "#2f4438", "#3b3350", "#4a3d2b"][number % 5]!;
      const skin = ["#d9b08c", "#c99872", "#e3bf9f", "#b98560", "#d2a47c"][number % 5]!;
      context.fillStyle = cloth;
      context.beginPath();
      context.ellipse(640 + sway, 800, 330, 300, 0, 0, 7);
      context.fill();
      context.fillStyle = "#f4f1ea"; // collar
      context.beginPath();
      context.moveTo(570 + sway, 520);
      context.lineTo(710 + sway, 520);
      context.lineTo(640 + sway, 640);
      context.fill();
      context.fillStyle = skin;
      context.fillRect(595 + sway, 440, 90, 100);
      context.beginPath();
      context.ellipse(640 + sway, 340, 115, 145, 0, 0, 7);
      context.fill();
      context.fillStyle = number % 2 === 0 ? "#2a2320" : cloth; // hair, or a scarf
      context.beginPath();
      context.ellipse(640 + sway, 270, 125, 105, 0, Math.PI, 0);
      context.fill();
      if (number % 2 === 1) {
        context.lineWidth = 46;
        context.strokeStyle = cloth;
        context.beginPath();
        context.ellipse(640 + sway, 350, 138, 170, 0, 2.4, 0.75);
        context.stroke();
      }
      context.fillStyle = "#2a2320";
      const blink = time % 4 < 0.15 ? 2 : 9;
      for (const side of [-1, 1]) {
        context.beginPath();
        context.ellipse(640 + sway + side * 42, 335, 9, blink, 0, 0, 7);
        context.fill();
      }
      context.strokeStyle = "#7a4b3a";
      context.lineWidth = 6;
      context.beginPath();
      context.arc(640 + sway, 395, 34, 0.35, Math.PI - 0.35);
      context.stroke();
    });

  const draft = () =>
    draw(1280, 720, (context, time) => {
      context.fillStyle = "#ffffff";
      context.fillRect(0, 0, 1280, 720);
      context.fillStyle = "#0b5a61";
      context.fillRect(0, 0, 1280, 14);
      context.direction = "rtl";
      context.fillStyle = "#162023";
      context.font = '600 44px "IBM Plex Sans Arabic", sans-serif';
      context.fillText("مشروع البيان الختامي", 1200, 110);
      context.font = '26px "IBM Plex Sans Arabic", sans-serif';
      const lines = [
        "١. يؤكد المجتمعون أهمية التشاور المنتظم بين الوزارة وبعثاتها.",
        "٢. تُعقد المشاورات الوزارية مرة كل عام في عاصمة يُتفق عليها.",
        "٣. تتابع إدارة الشؤون السياسية تنفيذ ما اتُّفق عليه.",
        "٤. يُرفع تقرير عن سير العمل خلال ثلاثة أشهر.",
      ];
      lines.forEach((line, i) => context.fillText(line, 1200, 200 + i * 62));
      context.direction = "ltr";
      context.fillStyle = "#4d5a5e";
      context.font = '22px "IBM Plex Sans", sans-serif';
      context.fillText("Draft 3 – not for distribution", 80, 660);
      context.fillRect(1150, 640, 50 + Math.round(time % 2) * 2, 3); // a cursor: a still screen sends next to nothing
    });

  mediaDevices.getUserMedia = async (constraints) => {
    const tracks = constraints?.audio ? (await open({ audio: constraints.audio })).getTracks() : [];
    if (constraints?.video) tracks.push(person());
    return new MediaStream(tracks);
  };
  mediaDevices.getDisplayMedia = () => Promise.resolve(new MediaStream([draft()]));
}
